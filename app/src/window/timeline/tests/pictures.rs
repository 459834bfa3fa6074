//! Pictures of panels against those that were looked at and kept. Each has a twin with one thing changed, which must
//! not pass. `UPDATE_SNAPSHOTS=1` keeps new ones: look at them.

use super::panel::{World, small};
use crate::window::panels::viewer;
use crate::window::theme::Theme;
use egui::vec2;
use egui_kittest::{Harness, SnapshotOptions, try_image_snapshot_options};
use lipsmith_project::edit::CueEdit;
use lipsmith_project::{Edit, Treatment};
use std::path::Path;

fn check(name: &str, size: [f32; 2], world: impl Fn() -> World, change: impl Fn(&mut World)) {
    let draw = |world: World| {
        let mut harness = Harness::builder()
            .with_size(vec2(size[0], size[1]))
            // The program itself has the fonts of the system; without them some signs are boxes.
            .allow_missing_glyphs()
            .with_context_setup(|ctx| Theme::dark().expect("whole").apply(ctx))
            .wgpu()
            .build_ui_state(|ui, world: &mut World| world.show(ui), world);
        harness.run();
        harness.render().expect("drawn")
    };
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/pictures");
    let same = |folder: &Path, world| {
        try_image_snapshot_options(&draw(world), name, &SnapshotOptions::new().output_path(folder))
    };
    same(&kept, world()).unwrap_or_else(|difference| panic!("{difference}"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        return;
    }
    // In a folder of its own: what differs is written beside what was kept.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = format!("{name}.png");
    std::fs::copy(kept.join(&file), folder.path().join(&file)).expect("copied");
    let mut twin = world();
    change(&mut twin);
    assert!(same(folder.path(), twin).is_err(), "{name}: the twin looks the same");
}

#[test]
fn a_line_that_is_left_looks_unlike_one_to_be_rendered() {
    check(
        "timeline",
        [640.0, 240.0],
        || World::new(small()),
        |twin| {
            let cue = *twin.history.project().cues.keys().next().expect("a line");
            let edit = Edit::from(CueEdit::Treat { cue, treatment: Treatment::Leave });
            twin.history.apply(&edit).expect("sound");
        },
    );
}

#[test]
fn a_loop_that_is_on_is_seen_below_the_picture() {
    let viewer = || {
        let mut world = World::new(small());
        world.draw = viewer::show;
        world
    };
    check("viewer", [640.0, 200.0], viewer, |twin| twin.session.looping = true);
}
