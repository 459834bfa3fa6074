//! A real window on a display without a screen, worked by mouse and keys as an editor does: open, render, mark, play,
//! export, quit.

mod harness;

use harness::{Bench, root, shared};
use lipsmith_engine::cache::Cache;
use lipsmith_engine::take::Layout;
use lipsmith_media::{ReadOptions, VideoReader};
use lipsmith_project::{Project, file};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// For one thing to happen. Finding the faces of the film takes 17 s on two idle cores and two minutes beside five more of
/// these tests: patience is for machines that are busier still, and costs nothing where things happen.
const PATIENCE: Duration = Duration::from_secs(600);

/// Places in a window of 1600×960, in the layout to begin with: x, y, width, height.
type Place = [usize; 4];
const MENU: Place = [0, 0, 400, 20];
const VIEWER: Place = [620, 150, 400, 250];
/// On the timeline's ruler, near its end.
const RULER: [usize; 2] = [1200, 612];

/// A display of its own with the program on it. Both end with it.
struct Screen {
    server: Child,
    program: Option<Child>,
    display: String,
}

impl Screen {
    fn start() -> Screen {
        // The server says which number was free.
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1600x960x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts");
        let mut number = String::new();
        let said = server.stdout.as_mut().expect("a pipe");
        BufReader::new(said).read_line(&mut number).expect("a display number");
        Screen { server, program: None, display: format!(":{}", number.trim()) }
    }

    fn open(&mut self, bench: &Bench, files: &[&Path]) {
        let mut command = bench.command(&["--drawing", "glow"]);
        command.args(files).env("DISPLAY", &self.display).env_remove("WAYLAND_DISPLAY");
        // Neither a portal nor a helper program opens a dialog for files: the window asks for the path itself.
        command
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
            .env("PATH", "")
            .env("LC_ALL", "C.UTF-8");
        self.program = Some(command.spawn().expect("the program starts"));
        let found = self.wait("window", |screen| {
            let output = screen.xdotool(&["search", "--onlyvisible", "--name", "Lipsmith"]);
            String::from_utf8_lossy(&output.stdout).lines().next().map(str::to_string)
        });
        // There is no window manager that would do it.
        assert!(self.xdotool(&["windowfocus", &found]).status.success());
    }

    fn xdotool(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("xdotool");
        command.args(arguments).env("DISPLAY", &self.display).output().expect("xdotool runs")
    }

    fn keys(&self, keys: &[&str]) {
        assert!(self.xdotool(&[&["key", "--delay", "20"], keys].concat()).status.success());
    }

    fn write(&self, text: &str) {
        self.keys(&["ctrl+a"]);
        assert!(self.xdotool(&["type", "--delay", "20", text]).status.success());
    }

    fn click(&self, [x, y]: [usize; 2]) {
        let (x, y) = (x.to_string(), y.to_string());
        assert!(self.xdotool(&["mousemove", &x, &y, "click", "1"]).status.success());
    }

    fn import(&self, more: &[&str]) -> Output {
        let mut command = Command::new("import");
        command.args(["-window", "root", "-depth", "8"]).args(more).env("DISPLAY", &self.display);
        command.output().expect("import runs")
    }

    /// RGB bytes of a part of the screen.
    fn look(&self, [x, y, width, height]: Place) -> Vec<u8> {
        let bytes = self.import(&["-crop", &format!("{width}x{height}+{x}+{y}"), "rgb:-"]).stdout;
        assert_eq!(bytes.len(), 3 * width * height, "a picture of the screen");
        bytes
    }

    fn brightness(&self, place: Place) -> f64 {
        let bytes = self.look(place);
        bytes.iter().map(|v| f64::from(*v)).sum::<f64>() / bytes.len() as f64
    }

    /// Where the screen is kept for people to look at.
    fn keep(&self, name: &str) {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        self.import(&[&path.to_string_lossy()]);
        println!("{}", path.display());
    }

    fn wait<T>(&mut self, what: &str, mut found: impl FnMut(&mut Screen) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = found(self) {
                println!("{what}: {:.1} s", begun.elapsed().as_secs_f64());
                return found;
            }
            let over = self.program.as_mut().and_then(|program| program.try_wait().expect("asked"));
            if begun.elapsed() > PATIENCE || over.is_some() {
                self.keep("window-failed.png");
                panic!("no {what}; the program has ended: {over:?}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Presses keys that open a dialog, writes into its field and presses Enter.
    fn answer(&mut self, keys: &str, text: &Path) {
        let before = self.brightness(MENU);
        self.keys(&[keys]);
        // Everything behind a dialog is darker.
        self.wait("dialog", |screen| (screen.brightness(MENU) < 0.8 * before).then_some(()));
        self.write(&text.to_string_lossy());
        self.keys(&["Return"]);
        self.wait("end of the dialog", |screen| (screen.brightness(MENU) > 0.9 * before).then_some(()));
    }

    /// Saves until the project is as it should be. Not all the time: what the window draws of each save, in software here,
    /// goes before the work that is waited for.
    fn saved(&mut self, what: &str, path: &Path, right: impl Fn(&Project) -> bool) -> Project {
        self.wait(what, |screen| {
            screen.keys(&["ctrl+s"]);
            std::thread::sleep(Duration::from_secs(1));
            let project = file::read(&std::fs::read(path).ok()?).expect("a whole project");
            right(&project).then_some(project)
        })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        for child in self.program.iter_mut().chain(std::iter::once(&mut self.server)) {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Whether all pictures of all takes are in the cache.
fn is_rendered(project: &Project, cache: &Path) -> bool {
    let parts = project.cues.values().flat_map(|cue| cue.takes.values()).flat_map(|take| &take.parts);
    parts.into_iter().all(|part| {
        let folder = Cache::new(cache).folder("takes", part.key());
        let layout = Layout::kept(&folder).expect("readable");
        layout.is_some_and(|layout| layout.frames() > 0 && layout.ready(&folder) == layout.frames())
    })
}

fn journals(bench: &Bench) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(bench.path("data/sessions")).expect("sessions").flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "journal"))
        .collect()
}

#[test]
fn an_editor_dubs_the_sample_in_the_window() {
    let sample = |name: &str| root().join("resources/sample").join(name);
    let test = "an_editor_dubs_the_sample_in_the_window";
    dub(test, &sample("presenter.mp4"), &sample("line.wav"), (1280, 720));
}

#[test]
fn an_editor_dubs_real_footage_in_the_window() {
    let test = "an_editor_dubs_real_footage_in_the_window";
    let film = "footage/video/latentsync_demo2_21s_23976fps_1920x1080_derived.mp4";
    let Some(film) = shared(test, film) else { return };
    let Some(voice) = shared(test, "footage/dub/de_kerstin_0965.flac") else { return };
    dub(test, Path::new(&film), Path::new(&voice), (1920, 1080));
}

/// Opens film and voice, renders the line by `rewrite`, looks around, plays, exports what is marked, saves and quits.
fn dub(test: &str, film: &Path, voice: &Path, size: (usize, usize)) {
    for (program, argument) in [("Xvfb", "-help"), ("xdotool", "version"), ("import", "-version")] {
        if Command::new(program).arg(argument).output().is_err() {
            println!("SKIPPED: {test}: {program} is not installed");
            return;
        }
    }
    let bench = Bench::new();
    let mut screen = Screen::start();
    screen.open(&bench, &[film, voice]);
    screen.wait("picture", |screen| (screen.brightness(VIEWER) > 30.0).then_some(()));

    let project_file = bench.path("scene.lipsmith");
    screen.answer("ctrl+s", &project_file);
    let bound = |project: &Project| project.cues.values().any(|cue| cue.character.is_some());
    screen.saved("speaker of the line", &project_file, bound);

    screen.keys(&["Home", "Return"]);
    let taken = |project: &Project| project.cues.values().any(|cue| !cue.takes.is_empty());
    let project = screen.saved("take", &project_file, taken);
    let parts = || project.cues.values().flat_map(|cue| cue.takes.values()).flat_map(|take| &take.parts);
    assert!(parts().all(|part| part.method.family == "rewrite"), "the family that needs no weights");
    let cache = bench.path("cache");
    screen.wait("rendered line", |_| is_rendered(&project, &cache).then_some(()));

    let at_home = screen.look(VIEWER);
    screen.click(RULER);
    screen.wait("other picture after a click on the ruler", |screen| {
        (screen.look(VIEWER) != at_home).then_some(())
    });

    screen.keys(&["Home", "i", "shift+Right", "shift+Right", "shift+Right", "o", "Home"]);
    screen.wait("first picture", |screen| (screen.look(VIEWER) == at_home).then_some(()));
    screen.keys(&["space"]);
    let playing = screen.wait("playing", |screen| {
        let now = screen.look(VIEWER);
        (now != at_home).then_some(now)
    });
    std::thread::sleep(Duration::from_secs(2));
    screen.wait("going on", |screen| (screen.look(VIEWER) != playing).then_some(()));
    screen.keep(&format!("{test}.png"));
    screen.keys(&["space"]);

    let output = bench.path("dubbed.mp4");
    screen.answer("ctrl+m", &output);
    screen.wait("exported film", |_| output.exists().then_some(()));
    check_film(&output, &project, size);

    screen.saved("saved project", &project_file, |now| *now == project);
    screen.keys(&["ctrl+q"]);
    let mut program = screen.program.take().expect("it runs");
    let ended = screen.wait("end of the program", |_| program.try_wait().expect("asked"));
    assert!(ended.success(), "{ended}");
    assert_eq!(
        journals(&bench),
        Vec::<PathBuf>::new(),
        "a session that ended well leaves nothing to recover"
    );
}

/// What was marked, as large as the film, with sound.
fn check_film(path: &Path, project: &Project, (width, height): (usize, usize)) {
    let info = lipsmith_media::probe(path).expect("a film");
    let video = info.video.as_ref().expect("pictures");
    assert_eq!((video.width, video.height, video.frames), (width, height, 31));
    assert_eq!(video.duration, project.sequence.rate.frame_start(31));
    assert!(info.audio.is_some());
    let mut reader = VideoReader::open(path, &ReadOptions::default()).expect("a film");
    assert_eq!(std::iter::from_fn(|| reader.next().expect("a picture")).count(), 31);
}
