//! Short messages over the window's corner. What failed stays until it is read; the log keeps everything.

use super::theme::Theme;
use lipsmith_engine::desk::Weight;

/// Seconds that good news stays.
const SHORT: f64 = 4.0;
const MOST: usize = 5;

#[derive(Default)]
pub struct Toasts(Vec<Toast>);

struct Toast {
    /// [`Weight::Note`] for a hint.
    weight: Weight,
    text: String,
    /// In egui's seconds; `None` stays.
    until: Option<f64>,
}

impl Toasts {
    pub fn add(&mut self, ctx: &egui::Context, weight: Weight, text: String) {
        if weight != Weight::Note {
            self.put(ctx, weight, text);
        }
    }

    /// Says why nothing came of a command, or what came of it.
    pub fn hint(&mut self, ctx: &egui::Context, text: String) {
        self.put(ctx, Weight::Note, text);
    }

    fn put(&mut self, ctx: &egui::Context, weight: Weight, text: String) {
        if self.0.iter().any(|toast| toast.text == text) {
            return;
        }
        let until = (weight != Weight::Failed).then(|| ctx.input(|i| i.time) + SHORT);
        self.0.push(Toast { weight, text, until });
        let surplus = self.0.len().saturating_sub(MOST);
        self.0.drain(..surplus);
    }

    pub fn show(&mut self, ctx: &egui::Context, theme: &Theme, close: &str) {
        let now = ctx.input(|i| i.time);
        self.0.retain(|toast| toast.until.is_none_or(|until| now < until));
        if let Some(next) = self.0.iter().filter_map(|toast| toast.until).reduce(f64::min) {
            ctx.request_repaint_after(std::time::Duration::from_secs_f64((next - now).max(0.05)));
        }
        let area = egui::Area::new(egui::Id::unique("toasts"))
            .anchor(egui::Align2::RIGHT_BOTTOM, [-12.0, -36.0])
            .order(egui::Order::Foreground);
        area.show(ctx, |ui| {
            self.0.retain(|toast| {
                let mut keep = true;
                let (colour, mark) = match toast.weight {
                    Weight::Failed => (theme.failure, "⚠"),
                    Weight::Done => (theme.success, "✔"),
                    Weight::Note => (theme.accent, "ℹ"),
                };
                let frame = egui::Frame::popup(ui.style()).stroke(egui::Stroke::new(1.0, colour));
                frame.show(ui, |ui| {
                    ui.set_max_width(420.0);
                    ui.horizontal(|ui| {
                        ui.colored_label(colour, mark);
                        let button = ui.available_width() - 28.0;
                        ui.scope(|ui| {
                            ui.set_max_width(button.max(120.0));
                            ui.add(egui::Label::new(&toast.text).wrap());
                        });
                        let shut = ui.small_button("✖").on_hover_text(close);
                        shut.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, close));
                        keep = !shut.clicked();
                    });
                });
                keep
            });
        });
    }
}
