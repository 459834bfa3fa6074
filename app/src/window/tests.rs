//! The whole window without a screen: every panel and every command by what assistive technology is told, and typing.

use super::command::Command;
use super::ctx::{Act, Dialog};
use super::dialogs::{Leaving, Wish};
use super::document::Document;
use super::panels::Panel;
use super::session::Selection;
use super::{Session, Window};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use lipsmith_base::{Time, TimeRange};
use lipsmith_engine::Paths;
use lipsmith_engine::desk::{Job, JobId, JobKind, JobState, Knowledge, Weight};
use lipsmith_engine::score::{Fit, JudgeName, LineScore, SyncScore};
use lipsmith_project::edit::{CastEdit, ClipEdit, CueEdit};
use lipsmith_project::{Character, CharacterId, CueId, Edit, MediaId, Method, Project};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// They open the desktop's own dialog for files, which needs a person, or end the window; the test under a real
/// display types into those.
const NEED_A_DESKTOP: [Command; 8] = [
    Command::Open,
    Command::Save,
    Command::SaveAs,
    Command::Import,
    Command::ImportScript,
    Command::ExportScript,
    Command::Talk,
    Command::Quit,
];

/// A window with folders of its own. Dropped before its folders.
struct Bench {
    harness: Harness<'static, Option<Window>>,
    folder: Arc<tempfile::TempDir>,
}

impl Bench {
    fn new() -> Bench {
        Bench::within(Arc::new(tempfile::tempdir().expect("a temporary folder")))
    }

    /// With the folders of an earlier one.
    fn within(folder: Arc<tempfile::TempDir>) -> Bench {
        let paths = Paths { data: folder.path().join("data"), cache: folder.path().join("cache") };
        let harness = Harness::builder()
            .with_size(vec2(1600.0, 960.0))
            // The program itself has the fonts of the system.
            .allow_missing_glyphs()
            .build_ui_state(
                move |ui, window: &mut Option<Window>| {
                    let begin =
                        || Window::new(ui.ctx(), paths.clone(), Vec::new(), String::new()).expect("whole");
                    window.get_or_insert_with(begin).draw(ui);
                },
                None,
            );
        let mut bench = Bench { harness, folder };
        // The first steps are in the way.
        bench.window().dialog = None;
        bench.harness.run_steps(2);
        bench
    }

    /// With the sample opened.
    fn sample() -> Bench {
        let mut bench = Bench::new();
        bench.command(Command::OpenSample);
        bench.until("sample", |bench| !bench.project().cues.is_empty());
        bench
    }

    fn until(&mut self, what: &str, mut found: impl FnMut(&mut Bench) -> bool) {
        let begun = Instant::now();
        while !found(self) {
            let (project, window) = (self.project(), self.window());
            let (dialog, log) = (&window.dialog, &window.news.log);
            let (lines, markers) = (project.cues.len(), project.markers.len());
            let seen = format!("{lines} lines, {markers} markers, {dialog:?}, {log:?}");
            assert!(begun.elapsed() < Duration::from_secs(60), "no {what}: {seen}");
            std::thread::sleep(Duration::from_millis(10));
            self.harness.step();
        }
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
fn an_export_goes_beside_its_film_and_without_a_name_says_what_is_missing() {
    let mut bench = Bench::sample();
    bench.press(&[(CTRL, Key::M)]);
    assert!(bench.window().typed.output.ends_with("presenter-dub.mp4"), "{}", bench.window().typed.output);
    bench.press(&[(CTRL, Key::A), (NONE, Key::Delete)]);
    let wanted = bench.window().words.text("export-name-it");
    assert!(bench.harness.query_by_label(&wanted).is_some());
    bench.press(&[(NONE, Key::Enter)]);
    assert_eq!(bench.window().dialog, Some(Dialog::Export));
}

/// What the last frame gave to the system's clipboard.
fn copied(bench: &Bench) -> Option<String> {
    bench.harness.output().platform_output.commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    })
}

#[test]
fn a_line_without_words_is_copied_too() {
    let mut bench = Bench::new();
    bench.command(Command::NewCue);
    let cue = *bench.project().cues.keys().next().expect("a line");
    bench.window().session.selection.only_cue(cue);
    bench.harness.event(Event::Copy);
    bench.harness.step();
    assert!(copied(&bench).is_some_and(|text| !text.is_empty()), "without it the system tells of no paste");
}

#[test]
fn a_line_is_pasted_with_its_voice_and_all_that_was_set() {
    let mut bench = Bench::sample();
    let before = bench.project();
    let (id, cue) = before.cues.iter().next().expect("a line");
    let voice = cue.voice.expect("bound");
    let method = Method { family: "wav2lip".into(), ..Method::default() };
    let ctx = bench.harness.ctx.clone();
    let edits: [Edit; 2] = [
        ClipEdit::Gain { clip: voice, gain_db: -3.0 }.into(),
        CueEdit::Method { cue: *id, method: Some(method.clone()) }.into(),
    ];
    let window = bench.window();
    window.carry_out(&ctx, edits.map(Act::Edit).into());
    window.session.selection.only_cue(*id);
    window.session.selection.clips.insert(voice);
    bench.harness.event(Event::Copy);
    bench.harness.step();
    assert_eq!(copied(&bench).as_deref(), Some(cue.text.as_str()));
    let rate = before.sequence.rate;
    let at = rate.frame_start(rate.frame_at(cue.range.end()) + 1);
    bench.window().session.playhead = at;
    bench.harness.event(Event::Paste(String::new()));
    bench.harness.run_steps(2);
    let after = bench.project();
    let pasted = after.cues.values().find(|other| other.range.start() == at).expect("pasted");
    let (_, clip) = after.clip(pasted.voice.expect("bound to its own voice")).expect("pasted");
    assert_ne!(clip.id, voice);
    assert_eq!((clip.start, clip.gain_db), (at, -3.0));
    assert_eq!((pasted.method.as_ref(), &pasted.text), (Some(&method), &cue.text));
    assert!(after.check().is_empty());
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

#[test]
fn a_crash_keeps_the_edits_and_what_is_open_is_not_thrown_away_for_them() {
    let mut bench = Bench::sample();
    bench.command(Command::AddMarker);
    let (edited, folder) = (bench.project(), bench.folder.clone());
    let crashed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _window = bench;
        std::panic::panic_any("the window crashes");
    }));
    assert!(crashed.is_err());

    let mut bench = Bench::within(folder);
    bench.until("offer", |bench| bench.window().dialog == Some(Dialog::Recovery));
    bench.window().news.recoverable.iter().for_each(|left| assert!(left.journal.exists()));
    // Something is open by now that is not saved either.
    let ctx = bench.harness.ctx.clone();
    bench.window().carry_out(&ctx, vec![Act::Do(Command::AddMarker)]);
    bench.harness.get_by_label("Recover").click_accesskit();
    bench.harness.run_steps(3);
    assert!(matches!(bench.window().dialog, Some(Dialog::Unsaved(Leaving::Recover(_)))), "asked first");
    bench.harness.get_by_label("Cancel").click_accesskit();
    bench.harness.run_steps(3);
    assert_eq!(bench.window().dialog, Some(Dialog::Recovery), "and offered again");
    bench.harness.get_by_label("Recover").click_accesskit();
    bench.harness.run_steps(3);
    bench.harness.get_by_label("Do not save").click_accesskit();
    bench.until("recovered project", |bench| {
        bench.project().markers.len() == 1 && !bench.project().cues.is_empty()
    });
    assert_eq!(bench.project(), edited);
    assert!(bench.window().document.history.is_dirty());
}

#[test]
fn a_line_that_nobody_speaks_is_not_rendered_but_explained() {
    let mut bench = Bench::new();
    bench.command(Command::NewCue);
    bench.command(Command::Render);
    let why = bench.window().words.text("toast-no-speaker");
    assert!(bench.window().news.log.iter().any(|(_, text)| *text == why), "{:?}", bench.window().news.log);

    let finding = Job {
        id: JobId(99),
        kind: JobKind::Analyse(MediaId(99)),
        title: String::new(),
        state: JobState::Running,
        stage: "track",
        done: 0,
        total: None,
        rate: None,
        remaining: None,
    };
    bench.window().news.jobs = vec![finding];
    bench.command(Command::Render);
    let wait = bench.window().words.text("toast-faces-first");
    assert!(bench.window().news.log.iter().any(|(_, text)| *text == wait), "{:?}", bench.window().news.log);
}

#[test]
fn what_is_asked_of_a_line_without_a_speaker_is_answered_and_not_sent_on() {
    let mut bench = Bench::sample();
    let cue = *bench.project().cues.keys().next().expect("a line");
    without_analysis(&mut bench);
    bench.window().session.selection.only_cue(cue);
    let unbound = CueEdit::Bind { cue, character: None };
    let ctx = bench.harness.ctx.clone();
    bench.window().carry_out(&ctx, vec![Act::Edit(unbound.into())]);
    let why = bench.window().words.text("toast-no-speaker");
    for command in [Command::Render, Command::RenderAll, Command::TestFrame, Command::Advise] {
        bench.window().news.log.clear();
        bench.command(command);
        let log = &bench.window().news.log;
        assert!(log.iter().any(|(_, text)| *text == why), "{command:?}: {log:?}");
    }
    std::thread::sleep(Duration::from_millis(200));
    bench.harness.run_steps(2);
    let jobs = &bench.window().news.jobs;
    assert!(jobs.iter().all(|job| matches!(job.kind, JobKind::Analyse(_))), "{jobs:?}");
}

/// Ends the analysis, which takes its time: nobody speaks the line then, and nobody will by itself.
fn without_analysis(bench: &mut Bench) {
    bench.until("analysis", |bench| !bench.window().news.jobs.is_empty());
    bench.command(Command::CancelJobs);
    bench.until("end of the analysis", |bench| {
        let active = |job: &Job| matches!(job.state, JobState::Running | JobState::Waiting);
        !bench.window().news.jobs.iter().any(active)
    });
}

/// Tells the window that a line, as it now is, was judged: as well in sync as `fit`, its sound `late` by so many
/// pictures at 25 a second.
fn judged(bench: &mut Bench, cue: CueId, fit: f32, late: i64) {
    let project = bench.project();
    let (network, title) = ("syncnet-v2", "SyncNet of the test");
    let judge =
        JudgeName { network, title, weights: "weights".into(), carried: false, papers_own: true, sure: 0.15 };
    let range = TimeRange::new(Time::ZERO, project.cues[&cue].range.duration());
    let whole = SyncScore { offset_frames: late, offset_ms: 40 * late, lse_d: 7.0, lse_c: 6.0, windows: 50 };
    let score = LineScore { judge, whole: Some(whole), fits: vec![Fit { range, fit }] };
    let event = lipsmith_engine::desk::Event::Scored { cue, project, score: Arc::new(score) };
    let ctx = bench.harness.ctx.clone();
    let knows = Knowledge { judge: Some(title.into()), ..(*bench.window().news.knows).clone() };
    bench.window().news.knows = Arc::new(knows);
    assert!(bench.window().news.take_in(event, &ctx).is_none());
    bench.harness.run_steps(2);
}

#[test]
fn the_worst_line_comes_first_and_its_voice_is_nudged_by_one_click() {
    let mut bench = Bench::sample();
    without_analysis(&mut bench);
    let first = *bench.project().cues.keys().next().expect("a line");
    let rate = bench.project().sequence.rate;
    let end = rate.frame_start(rate.frame_at(bench.project().cues[&first].range.end()) + 1);
    let range = TimeRange::with_duration(end, Time::from_units(1, 1));
    let ctx = bench.harness.ctx.clone();
    let character = Some(CharacterId(bench.project().next_id));
    let ann = CastEdit::AddCharacter(Character::new("Ann", [200, 100, 50]));
    let bind = CueEdit::Bind { cue: first, character };
    bench.window().carry_out(&ctx, vec![Act::Edit(ann.into()), Act::Edit(bind.into())]);
    let add = CueEdit::Add { range, text: "second".into(), character, voice: None };
    bench.window().carry_out(&ctx, vec![Act::Edit(add.into())]);
    let second = *bench.project().cues.keys().find(|id| **id != first).expect("two lines");
    bench.window().session.selection = Selection::default();

    judged(&mut bench, first, 0.4, -2);
    judged(&mut bench, second, 0.05, 0);
    let chosen =
        |bench: &mut Bench| bench.window().session.selection.cues.iter().copied().collect::<Vec<_>>();
    for next in [second, first, second] {
        bench.press(&[(NONE, Key::N)]);
        assert_eq!(chosen(&mut bench), [next]);
        let start = bench.project().cues[&next].range.start();
        assert_eq!(bench.window().session.playhead, start);
    }
    let words = bench.window().words.text("sync-not");
    let by = "SyncNet of the test";
    assert!(bench.harness.get_all_by_label_contains(&words).any(|node| {
        node.accesskit_node().label().is_some_and(|label| label.contains("5 %") && label.contains(by))
    }));

    bench.window().session.selection.only_cue(first);
    bench.harness.run_steps(2);
    let voice = |bench: &mut Bench| bench.project().sequence.voices[0].clips[0].start;
    let before = voice(&mut bench);
    let nudge = bench.window().words.command(Command::NudgeVoice);
    bench.harness.get_by_role_and_label(Role::Button, &nudge).click_accesskit();
    bench.harness.run_steps(3);
    // Two pictures at 25 a second are two frames at 24, too.
    let rate = bench.project().sequence.rate;
    assert_eq!(voice(&mut bench), before + rate.frame_start(2));
    let stale = bench.window().words.text("sync-stale");
    assert!(bench.harness.get_all_by_label_contains(&stale).next().is_some(), "judged where it lay");
    assert!(bench.harness.query_by_role_and_label(Role::Button, &nudge).is_none(), "no second time");
    bench.press(&[(NONE, Key::N)]);
    assert_eq!(chosen(&mut bench), [second], "what was changed has no rank");
}

#[test]
fn without_a_network_that_judges_it_says_so() {
    let mut bench = Bench::sample();
    let ctx = bench.harness.ctx.clone();
    without_analysis(&mut bench);
    let knows = Knowledge { judge: None, ..(*bench.window().news.knows).clone() };
    bench.window().news.knows = Arc::new(knows);
    let why = bench.window().words.text("sync-no-judge");
    for command in [Command::Score, Command::NextWorst] {
        bench.window().news.log.clear();
        bench.window().carry_out(&ctx, vec![Act::Do(command)]);
        assert!(bench.window().news.log.iter().any(|(_, text)| *text == why), "{command:?}");
    }
    bench.harness.run_steps(2);
    // In the hint and in the inspector.
    assert_eq!(bench.harness.get_all_by_label(&why).count(), 2);
}

#[test]
fn a_session_in_which_nothing_was_done_leaves_nothing_to_recover() {
    let mut bench = Bench::new();
    let journals = |bench: &Bench| {
        let files = std::fs::read_dir(bench.folder.path().join("data/sessions")).into_iter().flatten();
        let mut endings = files.flatten().map(|file| file.path().extension().map(std::ffi::OsStr::to_owned));
        endings.any(|ending| ending.is_some_and(|ending| ending == "journal"))
    };
    // The desk answers in order: by then it has taken in the empty project.
    bench.window().bring_in(vec!["/nowhere.mov".into()]);
    bench.until("answer", |bench| !bench.window().news.log.is_empty());
    assert!(!journals(&bench));
    bench.command(Command::AddMarker);
    bench.until("journal", |bench| journals(bench));
    // What was undone is not offered either.
    bench.command(Command::Undo);
    bench.until("end of the journal", |bench| !journals(bench));
}

#[test]
fn a_save_that_is_given_up_does_not_leave_later() {
    let mut bench = Bench::sample();
    bench.command(Command::AddMarker);
    let ctx = bench.harness.ctx.clone();
    let window = bench.window();
    window.after_save = Some(Leaving::Quit);
    window.dialog = Some(Dialog::Path(Wish::SaveProject));
    bench.harness.run_steps(2);
    assert!(bench.window().after_save.is_some(), "while it is being asked for");
    bench.harness.get_by_label("Cancel").click_accesskit();
    bench.harness.run_steps(2);
    assert_eq!(bench.window().after_save, None);
    let path = bench.folder.path().join("kept.lipsmith");
    bench.window().carry_out(&ctx, vec![Act::Grant(Wish::SaveProject, vec![path.clone()])]);
    bench.until("saved project", |bench| path.exists() && !bench.window().saving);
    assert!(!bench.window().quitting);
}

#[test]
fn the_manual_opens_and_turns_its_pages() {
    let mut bench = Bench::new();
    bench.press(&[(NONE, Key::F1)]);
    assert!(bench.harness.query_by_label("First dub in three steps").is_some());
    bench.harness.get_by_label("Models and licences").click_accesskit();
    bench.harness.run_steps(2);
    assert!(bench.harness.query_by_label("Settings of a method").is_some());
    bench.press(&[(NONE, Key::F1)]);
    assert!(bench.window().manual.is_none());
}

#[test]
fn going_elsewhere_while_playing_keeps_the_loop() {
    let mut bench = Bench::sample();
    let rate = bench.project().sequence.rate;
    let window = bench.window();
    (window.session.mark_in, window.session.mark_out) =
        (Some(rate.frame_start(10)), Some(rate.frame_start(60)));
    window.session.looping = true;
    bench.command(Command::PlayStop);
    bench.until("playing", |bench| bench.window().desk.playing().is_some());
    let looped = bench.window().session.within;
    assert!(looped.is_some());
    bench.command(Command::ToIn);
    assert_eq!(bench.window().session.within, looped);
    bench.until("playing on", |bench| bench.window().desk.playing().is_some());
    bench.command(Command::ToEnd);
    assert_eq!(bench.window().session.within, None, "out of the loop");
    bench.command(Command::Halt);
}

/// Nonsense changes nothing, numbers without measure end at the field's limit.
fn every_number_stands_nonsense(bench: &mut Bench) {
    let fields = bench.harness.get_all_by_role(Role::SpinButton);
    let fields = fields.filter(|node| !node.accesskit_node().is_disabled());
    let fields: Vec<_> = fields.map(|node| node.rect().center()).collect();
    assert!(!fields.is_empty());
    for place in fields {
        for (typed, nonsense) in [("abc", true), ("-1e99", false), ("9e99", false), ("nan", true), ("", true)]
        {
            let before = bench.project();
            bench.harness.hover_at(place);
            bench.harness.drag_at(place);
            bench.harness.drop_at(place);
            bench.harness.run_steps(2);
            bench.press(&[(CTRL, Key::A), (NONE, Key::Delete)]);
            bench.write(typed);
            bench.press(&[(NONE, Key::Enter)]);
            bench.check(typed);
            assert!(!nonsense || bench.project() == before, "'{typed}' at {place:?}");
        }
    }
}

#[test]
fn number_fields_of_a_line_and_of_a_clip_stand_nonsense() {
    let mut bench = Bench::sample();
    let cue = *bench.project().cues.keys().next().expect("a line");
    bench.window().session.selection.only_cue(cue);
    bench.harness.run_steps(2);
    every_number_stands_nonsense(&mut bench);
    let clip = bench.project().sequence.voices[0].clips[0].id;
    bench.window().session.selection = Selection { clips: [clip].into(), ..Selection::default() };
    bench.harness.run_steps(2);
    every_number_stands_nonsense(&mut bench);
}

#[test]
fn what_cannot_be_done_with_a_path_is_said_with_its_name() {
    let mut bench = Bench::sample();
    let path = |name: &str| bench.folder.path().join(name);
    let (broken, absent, unknown) = (path("broken.lipsmith"), path("absent.mov"), path("film.doc"));
    std::fs::write(&broken, b"{ \"format\": ").expect("written");
    let before = bench.project();
    let ctx = bench.harness.ctx.clone();
    for (wish, path) in [
        (Wish::Import, &absent),
        (Wish::OpenProject, &broken),
        (Wish::ExportScript, &unknown),
        (Wish::Identify, &absent),
    ] {
        let known = bench.window().news.log.len();
        bench.window().carry_out(&ctx, vec![Act::Grant(wish.clone(), vec![path.clone()])]);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        bench.until(&format!("words on {wish:?}"), |bench| {
            let news = &bench.window().news;
            let told = news
                .log
                .iter()
                .skip(known)
                .any(|(weight, text)| *weight == Weight::Failed && text.contains(&name));
            told || matches!(&news.identified, Some((_, Err(why))) if why.contains(&name))
        });
    }
    assert_eq!(bench.project(), before, "and the project is as it was");
}
