//! The panels and how they lie side by side. A new panel is a file here and a row in [`Panel`].

mod cues;
mod history;
mod inspector;
mod jobs;
mod log;
pub mod media;
pub mod menu;
mod meters;
mod models;
pub mod status_bar;
mod takes;
pub mod viewer;

use super::ctx::Ctx;
use super::timeline;
use egui_tiles::{
    Container, Linear, LinearDir, SimplificationOptions, Tile, TileId, Tiles, Tree, UiResponse,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Panel {
    Media,
    Models,
    Log,
    Viewer,
    Inspector,
    Takes,
    Cues,
    Jobs,
    History,
    Meters,
    Timeline,
}

impl Panel {
    pub const ALL: [Panel; 11] = [
        Panel::Media,
        Panel::Models,
        Panel::Log,
        Panel::Viewer,
        Panel::Inspector,
        Panel::Takes,
        Panel::Cues,
        Panel::Jobs,
        Panel::History,
        Panel::Meters,
        Panel::Timeline,
    ];

    /// Its name in the languages' files.
    pub fn key(self) -> &'static str {
        match self {
            Panel::Media => "panel-media",
            Panel::Models => "panel-models",
            Panel::Log => "panel-log",
            Panel::Viewer => "panel-viewer",
            Panel::Inspector => "panel-inspector",
            Panel::Takes => "panel-takes",
            Panel::Cues => "panel-cues",
            Panel::Jobs => "panel-jobs",
            Panel::History => "panel-history",
            Panel::Meters => "panel-meters",
            Panel::Timeline => "panel-timeline",
        }
    }

    fn ui(self, ui: &mut egui::Ui, ctx: &mut Ctx) {
        match self {
            Panel::Media => media::show(ui, ctx),
            Panel::Models => models::show(ui, ctx),
            Panel::Log => log::show(ui, ctx),
            Panel::Viewer => viewer::show(ui, ctx),
            Panel::Inspector => inspector::show(ui, ctx),
            Panel::Takes => takes::show(ui, ctx),
            Panel::Cues => cues::show(ui, ctx),
            Panel::Jobs => jobs::show(ui, ctx),
            Panel::History => history::show(ui, ctx),
            Panel::Meters => meters::show(ui, ctx),
            Panel::Timeline => timeline::show(ui, ctx),
        }
    }
}

/// The layout to begin with: pool and lines left, picture in the middle, what is selected right, the timeline below.
pub fn layout() -> Tree<Panel> {
    let mut tiles = Tiles::default();
    let mut tabs = |panels: &[Panel]| {
        let panes = panels.iter().map(|panel| tiles.insert_pane(*panel)).collect();
        tiles.insert_tab_tile(panes)
    };
    let left = tabs(&[Panel::Cues, Panel::Media, Panel::Models, Panel::Log]);
    let middle = tabs(&[Panel::Viewer]);
    let right = tabs(&[Panel::Inspector, Panel::Takes]);
    let far = tabs(&[Panel::Jobs, Panel::History]);
    let timeline = tabs(&[Panel::Timeline]);
    let meters = tabs(&[Panel::Meters]);
    let mut linear = |dir, parts: &[(TileId, f32)]| {
        let mut linear =
            Linear { children: parts.iter().map(|(id, _)| *id).collect(), dir, ..Linear::default() };
        for (id, share) in parts {
            linear.shares.set_share(*id, *share);
        }
        tiles.insert_new(Tile::Container(Container::Linear(linear)))
    };
    let right = linear(LinearDir::Vertical, &[(right, 2.2), (far, 1.0)]);
    let top = linear(LinearDir::Horizontal, &[(left, 1.1), (middle, 2.6), (right, 1.2)]);
    let bottom = linear(LinearDir::Horizontal, &[(timeline, 12.0), (meters, 1.0)]);
    let root = linear(LinearDir::Vertical, &[(top, 1.5), (bottom, 1.0)]);
    Tree::new(egui::Id::unique("panels"), root, tiles)
}

/// Whether a kept layout still has every panel.
pub fn is_whole(tree: &Tree<Panel>) -> bool {
    let panes: Vec<_> = tree
        .tiles
        .tiles()
        .filter_map(|tile| match tile {
            Tile::Pane(panel) => Some(*panel),
            Tile::Container(_) => None,
        })
        .collect();
    panes.len() == Panel::ALL.len() && Panel::ALL.iter().all(|panel| panes.contains(panel))
}

pub fn show(tree: &mut Tree<Panel>, ui: &mut egui::Ui, ctx: &mut Ctx) {
    tree.ui(&mut Shower { ctx }, ui);
}

struct Shower<'a, 'b> {
    ctx: &'a mut Ctx<'b>,
}

impl egui_tiles::Behavior<Panel> for Shower<'_, '_> {
    fn pane_ui(&mut self, ui: &mut egui::Ui, _: TileId, panel: &mut Panel) -> UiResponse {
        let margin = if matches!(panel, Panel::Viewer | Panel::Timeline) { 0 } else { 6 };
        egui::Frame::new().fill(self.ctx.theme.panel).inner_margin(margin).show(ui, |ui| {
            ui.set_min_size(ui.available_size());
            panel.ui(ui, self.ctx);
        });
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, panel: &Panel) -> egui::WidgetText {
        self.ctx.text(panel.key()).into()
    }

    /// A tab that holds several panels is called by what is seen in it.
    fn tab_title_for_tile(&mut self, tiles: &Tiles<Panel>, tile: TileId) -> egui::WidgetText {
        match tiles.get(tile) {
            Some(Tile::Pane(panel)) => self.tab_title_for_pane(panel),
            Some(Tile::Container(container)) => {
                let seen = container.active_children(tiles);
                let names: Vec<_> =
                    seen.map(|tile| self.tab_title_for_tile(tiles, tile).text().to_string()).collect();
                names.join(" + ").into()
            }
            None => "".into(),
        }
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: true, ..SimplificationOptions::default() }
    }

    fn tab_bar_color(&self, _: &egui::Visuals) -> egui::Color32 {
        self.ctx.theme.ground
    }

    fn gap_width(&self, _: &egui::Style) -> f32 {
        3.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_layout_shows_every_panel() {
        assert!(is_whole(&layout()));
    }
}
