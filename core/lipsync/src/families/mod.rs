//! The ways to make a mouth speak, behind one trait and one list.
//!
//! A recipe works in two passes, so that no clip is ever held. [`Recipe::plan`] sees the whole line without
//! a single picture (faces, times, voice) and says which pictures of the actor it wants; the engine collects
//! those in film order, the first frames' before the others'. [`Recipe::render`] then turns the line's pictures into patches, a chunk at
//! a time, in any order: a chunk depends on the plan alone, never on another chunk.

pub mod advisor;
pub mod diff2lip;
pub mod difftalk;
pub mod diffused_heads;
pub mod in_between;
mod lay;
pub mod network;
pub mod rewrite;
pub mod rounded;
pub mod warped;
pub mod wav2lip;

use crate::blend::Matte;
use crate::error::LipsyncError;
use crate::face::Face;
use crate::speech::{Features, Speech};
use lipsmith_base::{Affine, Cancel, FrameRate, Rgb, Time};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// A line: what is to be spoken, over which faces.
pub struct Line<'a> {
    /// The face to sync in each frame of the line; `None` where it is not found: that frame stays untouched.
    pub faces: &'a [Option<Face>],
    /// When each frame starts, counted from the start of the voice.
    pub times: &'a [Time],
    /// The film's frame rate; `None` when it varies.
    pub rate: Option<FrameRate>,
    /// Width and height of the line's pictures.
    pub size: (usize, usize),
    pub voice: &'a Speech,
    /// The same actor's own footage: the film around the line first, then other clips.
    pub footage: &'a [Arc<Footage>],
    /// The editor's choice of reference; `None` leaves it to the recipe.
    pub reference: Option<Source>,
}

impl Line<'_> {
    /// Of the actor, in a frame of the footage.
    fn face(&self, source: Source) -> Option<&Face> {
        self.footage.get(source.footage)?.faces.get(source.frame)?.as_ref()
    }
}

/// A stretch of film in which the actor is seen, with its own sound.
pub struct Footage {
    pub faces: Vec<Option<Face>>,
    /// When each frame starts, counted from the start of `speech`.
    pub times: Vec<Time>,
    /// The original sound of the stretch; empty when it has none.
    pub speech: Speech,
    heard: OnceLock<Features>,
}

impl Footage {
    pub fn new(faces: Vec<Option<Face>>, times: Vec<Time>, speech: Speech) -> Footage {
        Footage { faces, times, speech, heard: OnceLock::new() }
    }

    /// Of [`Footage::speech`]: worked out once, however many lines look at this stretch.
    pub fn features(&self) -> &Features {
        self.heard.get_or_init(|| Features::of(&self.speech))
    }
}

/// A frame of the actor's footage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    pub footage: usize,
    pub frame: usize,
}

/// A window on a picture: crop pixel ↦ film pixel, and the crop's size in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crop {
    pub map: Affine,
    pub width: usize,
    pub height: usize,
}

/// A picture of the line, cut as the recipe asked.
#[derive(Clone)]
pub struct Target<'a> {
    /// Index into the line's frames.
    pub frame: usize,
    pub face: &'a Face,
    pub crop: Crop,
    pub image: Rgb,
}

/// What is laid over a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    pub image: Rgb,
    /// Patch pixel ↦ film pixel.
    pub map: Affine,
    pub matte: Matte,
}

/// One family with its settings and weights, ready for one line.
pub trait Recipe: Send {
    /// The pictures of the actor that [`Recipe::render`] will need, each with its window.
    fn plan(&mut self, line: &Line, cancel: &Cancel) -> Result<Vec<(Source, Crop)>, LipsyncError>;

    /// Once it has planned: what an editor should know who wonders why the picture is as it is.
    fn doubt(&self) -> Option<String> {
        None
    }

    /// Which of the planned pictures, in the plan's order, [`Recipe::render`] will look at for these frames of the line; `None`:
    /// all of them. A long line is shown as it grows, long before all its pictures are read.
    fn looks_at(&self, _frames: Range<usize>) -> Option<Vec<usize>> {
        None
    }

    /// Where the recipe looks in a picture of the line: in frame `frame` of it, where `face` is.
    fn crop(&self, frame: usize, face: &Face) -> Crop;

    /// Patches for some of the line's frames, one for each target in order; `None` leaves the frame as it is
    /// (the mouth already does what the voice says). `sources` holds the planned pictures in the plan's order.
    fn render(
        &mut self,
        line: &Line,
        targets: &[Target],
        sources: &dyn SourceImages,
        cancel: &Cancel,
    ) -> Result<Vec<Option<Patch>>, LipsyncError>;
}

/// The planned pictures, wherever the engine keeps them.
pub trait SourceImages: Sync {
    /// Image number `index` of the plan.
    fn image(&self, index: usize) -> Result<Rgb, LipsyncError>;
}

/// An entry of the one list of families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Name in the command line, in projects and in the cache.
    pub name: &'static str,
    /// One line for people: what it is.
    pub summary: &'static str,
    /// Network in the zoo whose weights it needs; `None` when it needs none.
    pub network: Option<&'static str>,
    /// A second one, published in a file of its own, without which the first is of no use.
    pub companion: Option<&'static str>,
    /// The program carries its weights.
    pub shipped: bool,
    /// It paints by denoising: fewer steps give a quicker, rougher picture.
    pub denoises: bool,
    /// Frames may be left to their neighbours, see [`in_between`].
    pub in_betweens: bool,
    pub pace: Pace,
}

/// What a frame takes at the usual settings and the published size, on two processor cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pace {
    /// About as long as it is shown.
    Film,
    /// Below a second.
    Steady,
    /// Many seconds.
    Slow,
}

pub const FAMILIES: &[Family] = &[
    Family {
        name: "rewrite",
        summary: "the actor's own mouth pictures, chosen to fit the new voice; needs no weights",
        network: None,
        companion: None,
        shipped: false,
        denoises: false,
        in_betweens: false,
        pace: Pace::Film,
    },
    Family {
        name: "diff2lip",
        summary: "audio-conditioned diffusion in-painting of the lower face",
        network: Some("diff2lip"),
        companion: None,
        shipped: false,
        denoises: true,
        in_betweens: true,
        pace: Pace::Slow,
    },
    Family {
        name: "wav2lip",
        summary: "fast generator trained against an expert",
        network: Some("wav2lip"),
        companion: None,
        shipped: false,
        denoises: false,
        in_betweens: false,
        pace: Pace::Steady,
    },
    Family {
        name: "lipsmith-w",
        summary: "our own compact generator: warps the actor's pictures to the voice; quick, its mouths open less than real ones",
        network: Some("wav2lip"),
        companion: None,
        shipped: true,
        denoises: false,
        in_betweens: false,
        pace: Pace::Film,
    },
    Family {
        name: "diffused-heads",
        summary: "diffusion that paints a head frame after frame; only its lower face is used; slow",
        network: Some("diffused-heads"),
        companion: Some("diffused-heads-audio"),
        shipped: false,
        denoises: true,
        in_betweens: false,
        pace: Pace::Slow,
    },
    Family {
        name: "difftalk",
        summary: "latent diffusion of the lower face by landmarks and sound; for weights of your own training; slow",
        network: Some("difftalk"),
        companion: None,
        shipped: false,
        denoises: true,
        in_betweens: true,
        pace: Pace::Slow,
    },
];
