//! The look: a dark neutral theme for rooms where pictures are judged. The colours stand in `resources/theme`.

use egui::{Color32, Context, CornerRadius, Stroke, Visuals};
use serde::Deserialize;

const DARK: &str = include_str!("../../../resources/theme/dark.toml");

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Theme {
    #[serde(deserialize_with = "colour")]
    pub ground: Color32,
    #[serde(deserialize_with = "colour")]
    pub panel: Color32,
    #[serde(deserialize_with = "colour")]
    pub raised: Color32,
    #[serde(deserialize_with = "colour")]
    pub hover: Color32,
    #[serde(deserialize_with = "colour")]
    pub edge: Color32,
    #[serde(deserialize_with = "colour")]
    pub text: Color32,
    #[serde(deserialize_with = "colour")]
    pub faint: Color32,
    #[serde(deserialize_with = "colour")]
    pub accent: Color32,
    #[serde(deserialize_with = "colour")]
    pub on_accent: Color32,
    #[serde(deserialize_with = "colour")]
    pub warning: Color32,
    #[serde(deserialize_with = "colour")]
    pub failure: Color32,
    #[serde(deserialize_with = "colour")]
    pub success: Color32,
    #[serde(deserialize_with = "colour")]
    pub playhead: Color32,
    #[serde(deserialize_with = "colour")]
    pub film_clip: Color32,
    #[serde(deserialize_with = "colour")]
    pub voice_clip: Color32,
    #[serde(deserialize_with = "colour")]
    pub waveform: Color32,
    #[serde(deserialize_with = "colour")]
    pub cue: Color32,
    #[serde(deserialize_with = "colour")]
    pub selection: Color32,
    #[serde(deserialize_with = "colour")]
    pub draft: Color32,
    #[serde(deserialize_with = "colour")]
    pub stale: Color32,
    #[serde(deserialize_with = "colour")]
    pub excluded: Color32,
}

fn colour<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Color32, D::Error> {
    let text = String::deserialize(from)?;
    Color32::from_hex(&text).map_err(|e| serde::de::Error::custom(format!("{text}: {e:?}")))
}

impl Theme {
    /// # Errors
    /// In words, when the file that was built in is damaged: a test keeps it whole.
    pub fn dark() -> Result<Theme, String> {
        toml::from_str(DARK).map_err(|e| e.to_string())
    }

    pub fn apply(&self, ctx: &Context) {
        ctx.set_theme(egui::Theme::Dark);
        let mut visuals = Visuals::dark();
        visuals.override_text_color = None;
        visuals.panel_fill = self.panel;
        visuals.window_fill = self.panel;
        visuals.window_stroke = Stroke::new(1.0, self.edge);
        visuals.extreme_bg_color = self.ground;
        visuals.faint_bg_color = self.raised;
        visuals.selection.bg_fill = self.accent.gamma_multiply(0.45);
        visuals.selection.stroke = Stroke::new(1.0, self.text);
        visuals.hyperlink_color = self.accent;
        visuals.warn_fg_color = self.warning;
        visuals.error_fg_color = self.failure;
        let round = CornerRadius::same(3);
        let widgets = &mut visuals.widgets;
        for (widget, fill, text) in [
            (&mut widgets.noninteractive, self.panel, self.text),
            (&mut widgets.inactive, self.raised, self.text),
            (&mut widgets.hovered, self.hover, Color32::WHITE),
            (&mut widgets.active, self.accent.gamma_multiply(0.6), Color32::WHITE),
            (&mut widgets.open, self.hover, self.text),
        ] {
            (widget.bg_fill, widget.weak_bg_fill) = (fill, fill);
            widget.fg_stroke = Stroke::new(1.0, text);
            widget.corner_radius = round;
            widget.expansion = 0.0;
        }
        widgets.noninteractive.bg_stroke = Stroke::new(1.0, self.edge);
        widgets.hovered.bg_stroke = Stroke::new(1.0, self.faint);
        ctx.set_visuals_of(egui::Theme::Dark, visuals);
        ctx.style_mut_of(egui::Theme::Dark, |style| {
            style.spacing.item_spacing = egui::vec2(6.0, 4.0);
            style.spacing.button_padding = egui::vec2(6.0, 3.0);
            style.interaction.tooltip_delay = 0.4;
        });
    }

    /// A character's colour, light enough for black text on it.
    pub fn person(&self, colour: [u8; 3]) -> Color32 {
        Color32::from_rgb(colour[0], colour[1], colour[2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG contrast of text on what it stands on.
    #[test]
    fn text_can_be_read() {
        let theme = Theme::dark().expect("whole");
        let light = |c: Color32| {
            let lin = |v: u8| {
                let v = f32::from(v) / 255.0;
                if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * lin(c.r()) + 0.7152 * lin(c.g()) + 0.0722 * lin(c.b())
        };
        let contrast = |a, b| {
            let (a, b): (f32, f32) = (light(a), light(b));
            (a.max(b) + 0.05) / (a.min(b) + 0.05)
        };
        for (name, on, text) in [
            ("panel", theme.panel, theme.text),
            ("raised", theme.raised, theme.text),
            ("faint", theme.panel, theme.faint),
            ("accent", theme.accent, theme.on_accent),
            ("warning", theme.panel, theme.warning),
            ("failure", theme.panel, theme.failure),
            ("film clip", theme.film_clip, theme.text),
            ("voice clip", theme.voice_clip, theme.text),
            ("cue", theme.cue, theme.text),
        ] {
            assert!(contrast(on, text) >= 4.5, "{name}: {:.2}", contrast(on, text));
        }
    }
}
