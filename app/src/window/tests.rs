//! The whole window without a screen: every panel and every command by what assistive technology is told, and typing.

use super::command::Command;
use super::ctx::{Act, Dialog};
use super::document::Document;
use super::panels::Panel;
use super::{Session, Window};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use lipsmith_base::Time;
use lipsmith_engine::Paths;
use lipsmith_project::Project;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// They open the desktop's own dialog for files, which needs a person, or end the window; the test under a real
/// display types into those.
const NEED_A_DESKTOP: [Command; 7] = [
    Command::Open,
    Command::Save,
    Command::SaveAs,
    Command::Import,
    Command::ImportScript,
    Command::ExportScript,
    Command::Quit,
];

/// A window with folders of its own. Dropped before its folders.
struct Bench {
    harness: Harness<'static, Option<Window>>,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let paths = Paths { data: folder.path().join("data"), cache: folder.path().join("cache") };
        let harness = Harness::builder()
            .with_size(vec2(1600.0, 960.0))
            // The program itself has the fonts of the system.
            .allow_missing_glyphs()
            .build_ui_state(
                move |ui, window: &mut Option<Window>| {
                    let begin = || Window::new(ui.ctx(), paths.clone(), Vec::new()).expect("whole");
                    window.get_or_insert_with(begin).draw(ui);
                },
                None,
            );
        let mut bench = Bench { harness, _folder: folder };
        // The first steps are in the way.
        bench.window().dialog = None;
        bench.harness.run_steps(2);
        bench
    }

    /// With the sample opened.
    fn sample() -> Bench {
        let mut bench = Bench::new();
        bench.command(Command::OpenSample);
        let begun = Instant::now();
        while bench.project().cues.is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the sample does not open");
            std::thread::sleep(Duration::from_millis(10));
            bench.harness.step();
        }
        bench
    }

    fn window(&mut self) -> &mut Window {
        self.harness.state_mut().as_mut().expect("drawn once")
    }

    fn project(&mut self) -> Arc<Project> {
        self.window().document.project().clone()
    }

    fn command(&mut self, command: Command) {
        let ctx = self.harness.ctx.clone();
        self.window().carry_out(&ctx, vec![Act::Do(command)]);
        self.harness.run_steps(2);
    }

    /// Presses keys that all come within one frame.
    fn press(&mut self, keys: &[(Modifiers, Key)]) {
        for (modifiers, key) in keys {
            self.harness.key_press_modifiers(*modifiers, *key);
        }
        self.harness.run_steps(2);
    }

    fn write(&mut self, text: &str) {
        self.harness.event(Event::Text(text.into()));
        self.harness.run_steps(2);
    }

    /// All lines of the panel's tree have a name, and the project is sound.
    fn check(&mut self, what: &str) {
        self.harness.check_accessibility();
        let violations = self.project().check();
        assert!(violations.is_empty(), "{what}: {violations:?}");
    }
}

const NONE: Modifiers = Modifiers::NONE;
const CTRL: Modifiers = Modifiers::COMMAND;

fn every_panel_draws(bench: &mut Bench) {
    for panel in Panel::ALL {
        let label = bench.window().words.text(panel.key());
        let tab = bench.harness.get_all_by_role_and_label(Role::Button, &label).next();
        tab.unwrap_or_else(|| panic!("{panel:?} has no tab")).click();
        bench.harness.run_steps(3);
        let tiles = &bench.window().tiles;
        let tile = tiles.tiles.find_pane(&panel).expect("a whole layout");
        assert!(tiles.active_tiles().contains(&tile), "{panel:?} does not come to the front");
        bench.check(&label);
    }
}

#[test]
fn every_panel_draws_in_an_empty_project() {
    every_panel_draws(&mut Bench::new());
}

#[test]
fn every_panel_draws_in_the_sample() {
    let mut bench = Bench::sample();
    bench.command(Command::SelectAll);
    every_panel_draws(&mut bench);
}

/// Each command on the same project; with something selected where there is something.
fn every_command_runs(bench: &mut Bench) {
    let project = bench.project();
    for command in Command::ALL.iter().filter(|command| !NEED_A_DESKTOP.contains(command)) {
        for select in [false, true] {
            let middle = Time(project.duration().0 / 2);
            let window = bench.window();
            window.document = Document::opened((*project).clone(), None, false);
            window.session = Session { playhead: middle, ..Session::default() };
            if select {
                bench.command(Command::SelectAll);
            }
            bench.command(*command);
            bench.check(command.id());
            bench.window().dialog = None;
            bench.harness.step();
        }
    }
    bench.command(Command::Halt);
    bench.command(Command::CancelJobs);
}

#[test]
fn every_command_runs_in_an_empty_project() {
    every_command_runs(&mut Bench::new());
}

#[test]
fn every_command_runs_in_the_sample() {
    every_command_runs(&mut Bench::sample());
}

#[test]
fn the_palette_opens_by_its_keys_and_runs_what_is_typed() {
    let mut bench = Bench::new();
    bench.press(&[(CTRL | Modifiers::SHIFT, Key::P)]);
    assert_eq!(bench.window().dialog, Some(Dialog::Palette));
    let name = bench.window().words.command(Command::AddMarker);
    bench.write(&name);
    bench.press(&[(NONE, Key::Enter)]);
    assert_eq!(bench.project().markers.len(), 1);
    assert_eq!(bench.window().dialog, None);
}

#[test]
fn a_wrong_timecode_is_answered_in_words_and_a_right_one_goes_there() {
    let mut bench = Bench::sample();
    bench.press(&[(CTRL, Key::G)]);
    bench.write("1:xx");
    let labels = bench.project().sequence.labels();
    let why = labels.enter("1:xx", Time::ZERO).expect_err("no timecode").to_string();
    assert!(bench.harness.query_by_label(&why).is_some(), "'{why}' is not shown");
    bench.press(&[(NONE, Key::Enter)]);
    assert_eq!(bench.window().dialog, Some(Dialog::Timecode), "it stays until it is right");

    bench.command(Command::EnterTimecode);
    bench.press(&[(NONE, Key::Escape)]);
    assert_eq!(bench.window().dialog, None);
    bench.press(&[(CTRL, Key::G)]);
    bench.write("+10");
    bench.press(&[(NONE, Key::Enter)]);
    assert_eq!(bench.window().dialog, None);
    let rate = bench.project().sequence.rate;
    assert_eq!(bench.window().session.playhead, rate.frame_start(10));
}

#[test]
fn an_export_without_a_name_says_what_is_missing() {
    let mut bench = Bench::sample();
    bench.press(&[(CTRL, Key::M)]);
    let wanted = bench.window().words.text("export-name-it");
    assert!(bench.harness.query_by_label(&wanted).is_some());
    bench.press(&[(NONE, Key::Enter)]);
    assert_eq!(bench.window().dialog, Some(Dialog::Export));
}

#[test]
fn keys_of_one_slow_frame_mean_what_they_meant_one_by_one() {
    let mut bench = Bench::sample();
    bench.press(&[
        (Modifiers::SHIFT, Key::ArrowRight),
        (NONE, Key::I),
        (NONE, Key::ArrowRight),
        (Modifiers::SHIFT, Key::ArrowRight),
        (NONE, Key::O),
        (NONE, Key::Home),
    ]);
    let rate = bench.project().sequence.rate;
    let session = &bench.window().session;
    assert_eq!(session.mark_in, Some(rate.frame_start(10)));
    assert_eq!(session.mark_out, Some(rate.frame_start(22)), "the end of the frame at the playhead");
    assert_eq!(session.playhead, Time::ZERO);
}
