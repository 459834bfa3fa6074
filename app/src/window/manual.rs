//! The manual in a window of its own, beside the work: the pages of `resources/manual`, which are Markdown.

use super::ctx::Ctx;
use super::theme::Theme;
use egui::{RichText, Ui};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

macro_rules! page {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../resources/manual/", $name)))
    };
}

const PAGES: [(&str, &str); 6] = [
    page!("README.md"),
    page!("timeline.md"),
    page!("lines.md"),
    page!("files.md"),
    page!("models.md"),
    page!("shortcuts.md"),
];
/// Letters after which a table's column claims no more width.
const WIDE: usize = 60;

/// The page that is open.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Manual {
    page: usize,
}

enum Block {
    Heading(HeadingLevel, Vec<Span>),
    Paragraph(Vec<Span>),
    /// What stands before it, and how deep it is in.
    Item(String, usize, Vec<Span>),
    Code(String),
    Table(Vec<Vec<Vec<Span>>>),
}

/// Text of one kind.
#[derive(Clone, Default)]
struct Span {
    text: String,
    strong: bool,
    emphasis: bool,
    code: bool,
    link: Option<String>,
}

/// Draws it while it is open.
pub fn show(ctx: &egui::Context, open: &mut Option<Manual>, view: &Ctx) {
    let Some(mut manual) = *open else { return };
    let mut stays = true;
    let blocks = blocks(PAGES[manual.page].1);
    let screen = ctx.content_rect().size();
    let window = egui::Window::new(view.words.command(super::command::Command::Manual))
        .open(&mut stays)
        .default_size([780.0_f32.min(screen.x - 80.0), 620.0_f32.min(screen.y - 120.0)])
        .default_pos(egui::pos2((screen.x - 800.0).max(40.0) / 2.0, 60.0))
        .constrain(true)
        .show(ctx, |ui| {
            let mut to = None;
            ui.horizontal_wrapped(|ui| {
                for (at, (name, text)) in PAGES.iter().enumerate() {
                    if ui.selectable_label(at == manual.page, title(text)).on_hover_text(*name).clicked() {
                        to = Some(at);
                    }
                }
            });
            ui.separator();
            // Each page begins at its top.
            let area = egui::ScrollArea::vertical().id_salt(manual.page).auto_shrink(false);
            area.show(ui, |ui| blocks.iter().for_each(|block| draw(ui, view.theme, block, &mut to)));
            to
        });
    if let Some(page) = window.and_then(|shown| shown.inner).flatten() {
        manual.page = page;
    }
    *open = stays.then_some(manual);
}

fn title(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_start_matches("# ")
}

fn draw(ui: &mut Ui, theme: &Theme, block: &Block, to: &mut Option<usize>) {
    match block {
        Block::Heading(level, spans) => {
            let size = match level {
                HeadingLevel::H1 => 24.0,
                HeadingLevel::H2 => 19.0,
                _ => 16.0,
            };
            ui.add_space(size * 0.6);
            line(ui, theme, spans, Some(size), to);
            ui.add_space(2.0);
        }
        Block::Paragraph(spans) => {
            line(ui, theme, spans, None, to);
            ui.add_space(6.0);
        }
        Block::Item(mark, depth, spans) => {
            ui.horizontal_top(|ui| {
                ui.add_space(14.0 * *depth as f32);
                ui.label(mark);
                ui.vertical(|ui| line(ui, theme, spans, None, to));
            });
        }
        Block::Code(text) => {
            egui::Frame::new().fill(theme.ground).inner_margin(6).show(ui, |ui| {
                ui.add(egui::Label::new(RichText::new(text.trim_end()).monospace()).wrap());
            });
            ui.add_space(6.0);
        }
        Block::Table(rows) => table(ui, theme, rows, to),
    }
}

/// Pieces of text one behind the other, wrapped.
fn line(ui: &mut Ui, theme: &Theme, spans: &[Span], size: Option<f32>, to: &mut Option<usize>) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        for span in spans {
            let mut text = RichText::new(&span.text);
            if let Some(size) = size {
                text = text.size(size).strong();
            }
            if span.strong {
                text = text.strong();
            }
            if span.emphasis {
                text = text.italics();
            }
            if span.code {
                text = text.monospace().background_color(theme.raised);
            }
            match span.link.as_deref().map(|link| (link, page_of(link))) {
                None => drop(ui.label(text)),
                Some((link, None)) => drop(ui.hyperlink_to(text, link)),
                Some((_, page)) => {
                    if ui.link(text.color(theme.accent)).clicked() {
                        *to = page;
                    }
                }
            }
        }
    });
}

fn table(ui: &mut Ui, theme: &Theme, rows: &[Vec<Vec<Span>>], to: &mut Option<usize>) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let letters = |cell: &Vec<Span>| cell.iter().map(|span| span.text.chars().count()).sum::<usize>();
    let widest =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(letters).max().unwrap_or(0);
    let claims: Vec<f32> = (0..columns).map(|column| (widest(column).min(WIDE) + 3) as f32).collect();
    let all: f32 = claims.iter().sum();
    let room = ui.available_width() - 12.0 * columns as f32;
    for (at, row) in rows.iter().enumerate() {
        let fill = if at % 2 == 1 { theme.raised } else { theme.panel };
        egui::Frame::new().fill(fill).inner_margin(egui::Margin::symmetric(2, 2)).show(ui, |ui| {
            ui.horizontal_top(|ui| {
                for (cell, claim) in row.iter().zip(&claims) {
                    ui.vertical(|ui| {
                        ui.set_width(room * claim / all.max(1.0));
                        if at == 0 {
                            let strong = cell.iter().map(|span| Span { strong: true, ..span.clone() });
                            line(ui, theme, &strong.collect::<Vec<_>>(), None, to);
                        } else {
                            line(ui, theme, cell, None, to);
                        }
                    });
                }
            });
        });
    }
    ui.add_space(8.0);
}

/// The page that a link leads to; `None` leads out of the manual.
fn page_of(link: &str) -> Option<usize> {
    let file = link.split('#').next().unwrap_or_default();
    PAGES.iter().position(|(name, _)| *name == file)
}

fn blocks(text: &str) -> Vec<Block> {
    let mut reader = Reader::default();
    Parser::new_ext(text, Options::ENABLE_TABLES).for_each(|event| reader.take(event));
    reader.blocks
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    spans: Vec<Span>,
    /// How the next text is written.
    style: Span,
    /// Of each list that is open, the next number; `None` has none.
    lists: Vec<Option<u64>>,
    code: Option<String>,
    rows: Vec<Vec<Vec<Span>>>,
}

impl Reader {
    fn take(&mut self, event: Event) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some(code) => code.push_str(&text),
                None => self.push(&text, false),
            },
            Event::Code(text) => self.push(&text, true),
            Event::SoftBreak | Event::HardBreak => self.push(" ", false),
            _ => {}
        }
    }

    fn push(&mut self, text: &str, code: bool) {
        self.spans.push(Span { text: text.into(), code, ..self.style.clone() });
    }

    fn start(&mut self, tag: Tag) {
        match tag {
            Tag::Strong => self.style.strong = true,
            Tag::Emphasis => self.style.emphasis = true,
            Tag::Link { dest_url, .. } => self.style.link = Some(dest_url.into_string()),
            Tag::List(first) => {
                self.item();
                self.lists.push(first);
            }
            Tag::CodeBlock(_) => self.code = Some(String::new()),
            Tag::Table(_) => self.rows.clear(),
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.style.strong = false,
            TagEnd::Emphasis => self.style.emphasis = false,
            TagEnd::Link => self.style.link = None,
            TagEnd::Heading(level) => {
                let spans = std::mem::take(&mut self.spans);
                self.blocks.push(Block::Heading(level, spans));
            }
            TagEnd::Paragraph if self.lists.is_empty() => {
                let spans = std::mem::take(&mut self.spans);
                self.blocks.push(Block::Paragraph(spans));
            }
            TagEnd::Item => self.item(),
            TagEnd::List(_) => drop(self.lists.pop()),
            TagEnd::CodeBlock => self.blocks.extend(self.code.take().map(Block::Code)),
            TagEnd::TableCell => {
                let spans = std::mem::take(&mut self.spans);
                self.rows.last_mut().into_iter().for_each(|row| row.push(spans.clone()));
            }
            TagEnd::Table => self.blocks.push(Block::Table(std::mem::take(&mut self.rows))),
            _ => {}
        }
    }

    /// What stands in the present item so far, if anything.
    fn item(&mut self) {
        if self.spans.is_empty() {
            return;
        }
        let depth = self.lists.len();
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}.", *number - 1)
            }
            _ => "•".into(),
        };
        self.blocks.push(Block::Item(mark, depth, std::mem::take(&mut self.spans)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(block: &Block) -> Vec<&Span> {
        match block {
            Block::Heading(_, spans) | Block::Paragraph(spans) | Block::Item(_, _, spans) => {
                spans.iter().collect()
            }
            Block::Code(_) => Vec::new(),
            Block::Table(rows) => rows.iter().flatten().flatten().collect(),
        }
    }

    #[test]
    fn every_page_is_read_whole_and_its_links_lead_to_pages() {
        for (name, text) in PAGES {
            let blocks = blocks(text);
            assert!(matches!(blocks.first(), Some(Block::Heading(HeadingLevel::H1, _))), "{name}");
            let said = |block: &Block| match block {
                Block::Code(text) => text.clone(),
                other => spans(other).iter().map(|span| span.text.as_str()).collect(),
            };
            let shown: String = blocks.iter().map(said).collect();
            // Letters and digits alone: marks and breaks are Markdown's.
            let plain = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
            let links: usize = text.split("](").skip(1).filter_map(|l| l.split(')').next()).map(plain).sum();
            let fences = text.matches("```toml").count() * 4;
            let numbers: usize = text.lines().filter(|l| l.starts_with(|c: char| c.is_ascii_digit())).count();
            assert_eq!(plain(&shown) + links + fences + numbers, plain(text), "{name}");
            for link in blocks.iter().flat_map(spans).filter_map(|span| span.link.as_deref()) {
                assert!(page_of(link).is_some() || link.starts_with("https://"), "{name}: {link}");
            }
        }
    }
}
