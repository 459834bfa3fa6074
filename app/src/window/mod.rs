//! The window. Each frame: take in the desk's news, draw the panels from a snapshot, carry out what they asked for.

mod acts;
pub mod command;
mod ctx;
mod dialogs;
mod dispatch;
mod document;
mod imports;
pub mod keymap;
mod manual;
mod modals;
mod news;
mod panels;
mod session;
mod settings;
mod status;
mod sync;
#[cfg(test)]
mod tests;
mod theme;
mod timeline;
mod toasts;
mod widgets;
pub mod words;

use ctx::{Act, Ctx, Dialog};
use dialogs::Asking;
use document::Document;
use keymap::Keymap;
use lipsmith_engine::Paths;
use lipsmith_engine::desk::{Desk, Request, Show, Weight};
use news::News;
use panels::Panel;
use session::{Compare, Session};
use settings::Settings;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use theme::Theme;
use toasts::Toasts;
use words::Words;

/// How the window is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Drawing {
    /// By the graphics processor.
    #[default]
    Wgpu,
    /// By OpenGL: for machines where that is software.
    Glow,
}

/// Opens the window, with a project or media files if given, and stays until it is closed. `after_crash` says that this
/// is the program begun anew by one that has crashed.
///
/// # Errors
/// In words, when there is no display or nothing that can draw.
pub fn run(paths: Paths, files: Vec<PathBuf>, drawing: Drawing, after_crash: bool) -> Result<(), String> {
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Lipsmith")
            .with_app_id("lipsmith")
            .with_inner_size([1600.0, 960.0])
            .with_min_inner_size([960.0, 600.0]),
        renderer: match drawing {
            Drawing::Wgpu => eframe::Renderer::Wgpu,
            Drawing::Glow => eframe::Renderer::Glow,
        },
        ..eframe::NativeOptions::default()
    };
    let start = |creation: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, _> {
        let drawing = match &creation.wgpu_render_state {
            Some(state) => {
                let adapter = state.adapter.get_info();
                format!("{} ({})", adapter.name, adapter.backend)
            }
            None => "OpenGL".into(),
        };
        let mut window = Window::new(&creation.egui_ctx, paths, files, drawing)?;
        if after_crash {
            let text = window.words.text("toast-after-crash");
            window.tell(&creation.egui_ctx, Weight::Failed, text);
        }
        Ok(Box::new(window))
    };
    let opened = || eframe::run_native("Lipsmith", options, Box::new(start));
    // A crash unwinds through the desk, which leaves the journal for the next start.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(opened)) {
        Ok(ended) => ended.map_err(|e| {
            format!("no window can be opened: {e}; use the command line (lipsmith --help), or --drawing glow")
        }),
        // Begun anew, it asks what to do with what was not saved. One that crashes again is left alone.
        Err(_) if after_crash || begin_anew(drawing).is_err() => {
            rfd::MessageDialog::new().set_title("Lipsmith").set_description(CRASHED).show();
            Err(CRASHED.into())
        }
        Err(_) => Err(CRASHED.into()),
    }
}

fn begin_anew(drawing: Drawing) -> std::io::Result<()> {
    let mut command = std::process::Command::new(std::env::current_exe()?);
    let name = if drawing == Drawing::Glow { "glow" } else { "wgpu" };
    command.args(["--after-crash", "--drawing", name]).spawn().map(drop)
}

/// Said when all else is gone; therefore in one language.
const CRASHED: &str = "Lipsmith has crashed. Your edits were saved up to the last second: start Lipsmith again to recover them.";

pub struct Window {
    desk: Desk,
    document: Document,
    session: Session,
    news: News,
    settings: Settings,
    kept: Settings,
    words: Words,
    keymap: Keymap,
    /// The editor's own keys, over every preset.
    own_keys: Option<String>,
    theme: Theme,
    about: modals::About,
    toasts: Toasts,
    tiles: egui_tiles::Tree<Panel>,
    clipboard: dispatch::Clipboard,
    dialog: Option<Dialog>,
    manual: Option<manual::Manual>,
    /// What is typed into the dialog that is open.
    typed: modals::Typed,
    asking: Option<Asking>,
    /// What the viewer was last asked to show.
    shown: Option<(Show, u64)>,
    /// Carried out once the running save has succeeded.
    after_save: Option<dialogs::Leaving>,
    /// A save is on its way.
    saving: bool,
    quitting: bool,
    title: String,
    /// Microseconds that the last frame took; never none.
    took: Arc<AtomicU32>,
}

impl Window {
    /// # Errors
    /// When what was built into the program is damaged.
    pub fn new(
        ctx: &egui::Context,
        paths: Paths,
        files: Vec<PathBuf>,
        drawing: String,
    ) -> Result<Window, String> {
        let kept = Desk::kept(&paths, settings::FILE);
        let own_keys = Desk::kept(&paths, "keymap.toml").and_then(|bytes| String::from_utf8(bytes).ok());
        let mut toasts = Toasts::default();
        let failed = Weight::Failed;
        let settings = Settings::read(kept.as_deref()).unwrap_or_else(|why| {
            toasts.add(ctx, failed, format!("The settings could not be read and begin anew: {why}"));
            Settings::default()
        });
        let keymap = match Keymap::new(&settings.keymap, own_keys.as_deref()) {
            Ok(keymap) => keymap,
            Err(why) => {
                toasts.add(ctx, failed, format!("keymap.toml is left out: {why}"));
                Keymap::new(&settings.keymap, None)?
            }
        };
        let theme = Theme::dark()?;
        theme.apply(ctx);
        ctx.set_zoom_factor(settings.scale);
        let words = Words::of(&settings.language());
        let (wake, took) = (ctx.clone(), Arc::new(AtomicU32::new(1_000)));
        let about = modals::About { drawing, paths: paths.clone() };
        let pause = took.clone();
        // Drawn in software a frame may take a tenth of a second: half of the time is the work's, which tells of itself all
        // the while and stands back for the window.
        let desk = Desk::start(paths, move || {
            wake.request_repaint_after(Duration::from_micros(pause.load(Ordering::Relaxed).into()));
        });
        desk.send(Request::Device(settings.device.clone()));
        desk.send(Request::Volume(settings.volume));
        let tiles = settings.layout.clone().filter(panels::is_whole).unwrap_or_else(panels::layout);
        let document = Document::new(&words);
        let mut window = Window {
            desk,
            document,
            session: Session::default(),
            news: News::default(),
            kept: settings.clone(),
            settings,
            words,
            keymap,
            own_keys,
            theme,
            about,
            toasts,
            tiles,
            clipboard: dispatch::Clipboard::default(),
            dialog: None,
            manual: None,
            typed: modals::Typed::default(),
            asking: None,
            shown: None,
            after_save: None,
            saving: false,
            quitting: false,
            title: String::new(),
            took,
        };
        if files.is_empty() && !window.settings.first_steps_seen {
            window.dialog = Some(Dialog::FirstSteps);
        }
        window.bring_in(files);
        Ok(window)
    }

    /// Draws everything and carries out what was asked for.
    fn draw(&mut self, ui: &mut egui::Ui) {
        let ctx = ui.ctx().clone();
        self.take_in_news(&ctx);
        let mut acts = Vec::new();
        self.take_in_files(&ctx, &mut acts);
        let playing = self.desk.playing();
        if self.dialog.is_none() {
            acts.extend(self.keymap.pressed(&ctx).into_iter().map(Act::Do));
        }
        let tiles = &mut self.tiles;
        let mut view = Ctx {
            project: self.document.history.project(),
            history: &self.document.history,
            session: &mut self.session,
            news: &self.news,
            settings: &mut self.settings,
            words: &self.words,
            keymap: &self.keymap,
            theme: &self.theme,
            about: &self.about,
            acts: &mut acts,
            playing,
            levels: self.desk.levels(),
        };
        egui::Panel::top("menu").show(ui, |ui| panels::menu::show(ui, &mut view));
        egui::Panel::bottom("status").show(ui, |ui| panels::status_bar::show(ui, &mut view));
        let middle = egui::Frame::new().fill(self.theme.ground).inner_margin(2);
        egui::CentralPanel::default().frame(middle).show(ui, |ui| {
            panels::show(tiles, ui, &mut view);
        });
        manual::show(&ctx, &mut self.manual, &view);
        modals::show(&ctx, &mut self.dialog, &mut self.typed, &mut view);
        widgets::drop_sign(&ctx, &self.theme, &self.words);
        self.toasts.show(&ctx, &self.theme, &self.words.text("close"));
        self.carry_out(&ctx, acts);
        if !self.saving && self.dialog.is_none() && self.asking.is_none() {
            // A save that was given up takes what was to follow it along.
            self.after_save = None;
        }
        self.follow(&ctx);
    }

    /// Brings desk, window and playhead up to what the frame has changed.
    fn follow(&mut self, ctx: &egui::Context) {
        self.session.tidy(self.document.history.project());
        self.document.send(&self.desk);
        match self.desk.playing() {
            Some(at) => {
                self.session.playhead = at;
                ctx.request_repaint();
            }
            None => self.ask_for_frame(),
        }
        self.keep_settings(ctx);
        let title = self.document.title();
        if title != self.title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    fn ask_for_frame(&mut self) {
        let viewer = &self.session.viewer;
        let sides = match viewer.compare {
            Compare::Alone => vec![viewer.sides[0]],
            _ => viewer.sides.to_vec(),
        };
        let show = Show { at: self.session.playhead, sides, fit: panels::viewer::fit(viewer) };
        // A take that grows is another picture of the same project.
        let grown: u64 = self.news.takes.values().map(|ready| ready.done).sum();
        let revision = self.document.history.revision().wrapping_mul(1 << 20).wrapping_add(grown);
        let shown = (show, revision);
        if self.shown.as_ref() != Some(&shown) {
            self.desk.send(Request::Show(shown.0.clone()));
            self.shown = Some(shown);
        }
    }

    fn keep_settings(&mut self, ctx: &egui::Context) {
        if !ctx.input(|i| i.pointer.any_down()) {
            self.settings.layout = Some(self.tiles.clone());
        }
        if self.settings == self.kept {
            return;
        }
        let (old, new) = (&self.kept, &self.settings);
        if old.device != new.device {
            self.desk.send(Request::Device(new.device.clone()));
        }
        if old.volume != new.volume {
            self.desk.send(Request::Volume(new.volume));
        }
        if old.language != new.language {
            self.words = Words::of(&new.language());
        }
        if old.scale != new.scale {
            ctx.set_zoom_factor(new.scale);
        }
        if old.keymap != new.keymap
            && let Ok(keymap) = Keymap::new(&new.keymap, self.own_keys.as_deref())
        {
            self.keymap = keymap;
        }
        self.desk.send(Request::Keep { name: settings::FILE, bytes: new.bytes() });
        self.kept = self.settings.clone();
    }
}

impl eframe::App for Window {
    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        let took = frame.info().cpu_usage.unwrap_or_default() * 1e6;
        self.took.store((took as u32).clamp(1_000, 500_000), Ordering::Relaxed);
        self.draw(ui);
    }
}
