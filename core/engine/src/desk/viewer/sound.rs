//! The sound of playing and scrubbing, on a thread of its own: it mixes a little ahead of what is heard, and what is
//! heard is the clock.

use crate::desk::event::Weight;
use crate::desk::port::{Course, Port};
use crate::mix::Mixer;
use lipsmith_base::{Audio, Time, TimeRange};
use lipsmith_media::{AudioOutput, AudioSpec, MediaError, ReadOptions};
use lipsmith_project::{MediaId, Project};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What is mixed for listening; loudspeakers do the rest.
const SPEC: AudioSpec = AudioSpec { rate: 48_000, channels: 2 };
/// Sample frames mixed at a time: 20 ms.
const BLOCK: usize = 960;
/// Mixed ahead of what is heard: what opening a file or a seek may take.
const AHEAD: Time = Time(lipsmith_base::time::FLICKS * 2 / 5);
/// Mixed before the start.
const FIRST: Time = Time(lipsmith_base::time::FLICKS / 10);
/// Length of a grain, and of its fades.
const GRAIN: Time = Time(lipsmith_base::time::FLICKS / 20);
const GRAIN_FADE: f32 = 0.005;
const TICK: Duration = Duration::from_millis(8);
/// A loudspeaker that has not begun after this time never will.
const PATIENCE: Duration = Duration::from_secs(2);

pub enum Order {
    Project(Arc<Project>),
    Play(Course),
    Stop,
    Scrub(Time),
    Volume(f32),
}

pub struct Sound {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Sound {
    pub fn start(port: Port, project: Arc<Project>) -> Sound {
        let (orders, inbox) = channel();
        let run = move || Player::new(port, project).run(&inbox);
        let thread = std::thread::Builder::new().name("sound".into()).spawn(run).ok();
        Sound { orders: Some(orders), thread }
    }

    pub fn order(&self, order: Order) {
        // A player that is gone has told why.
        let _ = self.orders.as_ref().map(|orders| orders.send(order));
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        self.orders = None;
        // A panic there has been told of.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct Player {
    port: Port,
    project: Arc<Project>,
    mixer: Mixer,
    /// Opened by the thread's first breath; `None` where not even silence can be played.
    output: Option<AudioOutput>,
    volume: f32,
    doing: Doing,
    /// Media that the window has been told of.
    told: BTreeSet<MediaId>,
}

enum Doing {
    Nothing,
    Playing(Playing),
    /// Ends at its time; another place may already wait.
    Grain {
        until: Instant,
        then: Option<Time>,
    },
}

struct Playing {
    course: Course,
    /// Mixed and not heard yet: when each block ends, and how loud it is.
    levels: VecDeque<(Time, [f32; 2])>,
    /// Everything has been mixed.
    complete: bool,
    begun: Instant,
    heard: bool,
}

impl Player {
    fn new(port: Port, project: Arc<Project>) -> Player {
        let mixer =
            Mixer::new(project.clone(), TimeRange::default(), SPEC, &ReadOptions::default()).forgiving();
        let told = BTreeSet::new();
        let mut player =
            Player { port, project, mixer, output: None, volume: 1.0, doing: Doing::Nothing, told };
        player.output = player.open();
        player
    }

    fn open(&self) -> Option<AudioOutput> {
        let output = match AudioOutput::open(SPEC.rate, SPEC.channels) {
            Ok(output) => output,
            Err(error) => {
                self.port.say(Weight::Failed, error.to_string());
                return None;
            }
        };
        if !output.audible() {
            let text = "there is no sound device: playing is silent and keeps to the machine's clock";
            self.port.say(Weight::Note, text);
        }
        output.set_volume(self.volume);
        Some(output)
    }

    fn run(mut self, inbox: &Receiver<Order>) {
        loop {
            let order = match self.doing {
                Doing::Nothing => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                _ => inbox.recv_timeout(TICK),
            };
            match order {
                Ok(order) => self.obey(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if let Err(error) = self.go_on() {
                self.without_sound(&error);
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Project(project) => {
                self.project = project.clone();
                self.mixer.load(project);
            }
            Order::Volume(gain) => {
                self.volume = gain;
                self.output.iter().for_each(|output| output.set_volume(gain));
            }
            Order::Stop => self.stop(),
            Order::Play(course) => {
                self.stop();
                if let Err(error) = self.play(course) {
                    self.without_sound(&error);
                }
            }
            Order::Scrub(at) => match &mut self.doing {
                Doing::Nothing => self.scrub(at),
                Doing::Grain { then, .. } => *then = Some(at),
                Doing::Playing(_) => {}
            },
        }
    }

    fn play(&mut self, course: Course) -> Result<(), MediaError> {
        let end = course.within.map_or(self.project.duration(), TimeRange::end);
        self.mixer.go(TimeRange::new(course.from, end));
        let levels = VecDeque::new();
        let begun = Instant::now();
        let mut playing = Playing { course, levels, complete: false, begun, heard: false };
        let started = self.mix(&mut playing, FIRST).and_then(|()| match &self.output {
            Some(output) => output.play(),
            None => Err(MediaError::Loudspeaker { cause: "there is none".into() }),
        });
        self.doing = Doing::Playing(playing);
        started
    }

    /// Mixes until `ahead` has been pushed in all.
    fn mix(&mut self, playing: &mut Playing, ahead: Time) -> Result<(), MediaError> {
        let Some(output) = &mut self.output else { return Ok(()) };
        while !playing.complete && output.pushed() < ahead {
            // Unreadable files are forgiven, so all that can be told of here is the end.
            match self.mixer.next(BLOCK).ok().flatten() {
                Some(block) => {
                    output.push(&block)?;
                    playing.levels.push_back((output.pushed(), peaks(&block)));
                }
                None => match playing.course.within {
                    Some(range) => self.mixer.go(range),
                    None => playing.complete = true,
                },
            }
        }
        for (media, why) in self.mixer.lost() {
            if self.told.insert(media) {
                self.port.say(Weight::Note, format!("{why}; it is silent until then"));
            }
        }
        Ok(())
    }

    fn go_on(&mut self) -> Result<(), MediaError> {
        match std::mem::replace(&mut self.doing, Doing::Nothing) {
            Doing::Nothing => {}
            Doing::Playing(playing) => self.play_on(playing)?,
            Doing::Grain { until, then } => {
                if Instant::now() < until {
                    self.doing = Doing::Grain { until, then };
                } else if let Some(at) = then {
                    self.scrub(at);
                } else {
                    self.stop();
                }
            }
        }
        Ok(())
    }

    fn play_on(&mut self, mut playing: Playing) -> Result<(), MediaError> {
        let Some(output) = &self.output else { return Ok(()) };
        let heard = output.heard()?;
        let pushed = output.pushed();
        if let Some(heard) = heard {
            playing.heard = true;
            self.port.shared.clock.run(playing.course, heard.min(pushed), 1.0);
            while playing.levels.front().is_some_and(|(end, _)| *end <= heard) {
                playing.levels.pop_front();
            }
            let level = playing.levels.front().map_or([0.0, 0.0], |(_, level)| *level);
            self.port.shared.levels.set(level);
            if playing.complete && heard >= pushed {
                self.port.shared.clock.stop();
                self.stop();
                return Ok(());
            }
        } else if !playing.heard && playing.begun.elapsed() > PATIENCE {
            self.doing = Doing::Playing(playing);
            return Err(MediaError::Loudspeaker { cause: "it does not begin to play".into() });
        }
        self.mix(&mut playing, heard.unwrap_or(Time::ZERO) + AHEAD)?;
        self.doing = Doing::Playing(playing);
        Ok(())
    }

    fn scrub(&mut self, at: Time) {
        self.stop();
        self.mixer.go(TimeRange::with_duration(at, GRAIN));
        let grain = self.mixer.next((GRAIN.secs_f64() * f64::from(SPEC.rate)) as usize);
        let (Some(output), Ok(Some(mut grain))) = (&mut self.output, grain) else { return };
        soften(&mut grain);
        let length = Duration::from_secs_f64(grain.duration().secs_f64());
        // A grain that is not heard is not missed.
        if output.push(&grain).and_then(|()| output.play()).is_ok() {
            self.doing = Doing::Grain { until: Instant::now() + length, then: None };
        }
    }

    fn stop(&mut self) {
        if matches!(self.doing, Doing::Nothing)
            && self.output.as_ref().is_none_or(|o| o.pushed() == Time::ZERO)
        {
            return;
        }
        self.doing = Doing::Nothing;
        self.port.shared.levels.set([0.0, 0.0]);
        if let Some(Err(error)) = self.output.as_mut().map(AudioOutput::stop) {
            self.without_sound(&error);
        }
    }

    /// The loudspeaker has gone: what is being played goes on by the machine's clock, and the next playing looks for a
    /// loudspeaker anew.
    fn without_sound(&mut self, error: &MediaError) {
        self.port.say(Weight::Failed, error.to_string());
        if let Doing::Playing(playing) = &self.doing {
            let clock = &self.port.shared.clock;
            clock.run(playing.course, clock.ran().unwrap_or(Time::ZERO), 1.0);
        }
        self.doing = Doing::Nothing;
        self.output = self.open();
    }
}

/// The highest sample of each side.
fn peaks(block: &Audio) -> [f32; 2] {
    let side =
        |side: usize| block.samples.iter().skip(side).step_by(2).fold(0.0, |peak: f32, v| peak.max(v.abs()));
    [side(0).min(1.0), side(1).min(1.0)]
}

/// Fades both ends, so that a grain does not click.
fn soften(grain: &mut Audio) {
    let frames = grain.frames();
    let fade = GRAIN_FADE * grain.rate as f32;
    for (i, frame) in grain.samples.chunks_exact_mut(usize::from(grain.channels)).enumerate() {
        let gain = (i as f32 / fade).min((frames - 1 - i) as f32 / fade).clamp(0.0, 1.0);
        frame.iter_mut().for_each(|sample| *sample *= gain);
    }
}
