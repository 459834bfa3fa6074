//! What makes a take, and the name that follows from it.

use lipsmith_base::{Digest, Rect, Time, TimeRange};
use serde::{Deserialize, Serialize};

/// How mouths are made. Nothing in it depends on the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Method {
    /// A name of lipsmith-lipsync's `FAMILIES`.
    pub family: String,
    pub preset: Preset,
    /// Weights; `None` takes the family's installed ones.
    pub checkpoint: Option<Digest>,
    /// For diffusion families, as are `steps`, `eta` and `seed`.
    pub sampler: String,
    /// Denoising steps, 1..=1000.
    pub steps: u32,
    /// Fresh noise in each step: 0 (DDIM) to 1 (DDPM).
    pub eta: f32,
    /// Of the initial noise.
    pub seed: u64,
    /// Every second frame is carried over from its neighbours, for families that can.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_betweens: bool,
    /// Networks round what they multiply where that is quicker: a draft's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub half_precision: bool,
    /// Steps from one that walks all levels of the network to the next, for Diff2Lip: 1..=[`Method::MOST_INNER_EVERY`].
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub inner_every: u32,
    /// How much the mouth does, as a multiple of what is usual; for families that carry their own weights.
    /// 0..=[`Method::MOST_EMPHASIS`].
    #[serde(default = "usual", skip_serializing_if = "is_usual")]
    pub emphasis: f32,
    /// Softness of the mask's edge in distances between the eyes, 0..=0.5; `None` as the family does it.
    pub feather: Option<f32>,
    #[serde(default, skip_serializing_if = "Reach::is_usual")]
    pub reach: Reach,
}

impl Method {
    pub const MOST_EMPHASIS: f32 = 2.0;
    pub const MOST_INNER_EVERY: u32 = 5;
}

fn one() -> u32 {
    1
}

fn is_one(number: &u32) -> bool {
    *number == 1
}

fn usual() -> f32 {
    1.0
}

fn is_usual(emphasis: &f32) -> bool {
    *emphasis == usual()
}

/// How far the mask reaches from the middle of the mouth, each against the usual outline of the lower face:
/// [`Reach::LEAST`]..=[`Reach::MOST`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reach {
    /// Towards the nose.
    pub up: f32,
    /// Towards both cheeks.
    pub side: f32,
    /// Towards the chin.
    pub down: f32,
}

impl Reach {
    pub const USUAL: Reach = Reach { up: 1.0, side: 1.0, down: 1.0 };
    pub const LEAST: f32 = 0.5;
    pub const MOST: f32 = 1.5;

    pub fn is_usual(&self) -> bool {
        *self == Reach::USUAL
    }
}

impl Default for Reach {
    fn default() -> Reach {
        Reach::USUAL
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Made for film.
    Film,
    /// The published inference scripts to the letter.
    Reference,
}

impl Default for Method {
    fn default() -> Method {
        Method {
            family: "rewrite".into(),
            preset: Preset::Film,
            checkpoint: None,
            sampler: "ddim".into(),
            steps: 25,
            eta: 0.0,
            seed: 7,
            in_betweens: false,
            half_precision: false,
            inner_every: 1,
            emphasis: 1.0,
            feather: None,
            reach: Reach::USUAL,
        }
    }
}

/// Everything that decides what a take looks like over one unbroken stretch of film. Equal specs give equal
/// pictures, and [`TakeSpec::key`] is where they lie in the cache.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TakeSpec {
    /// Fingerprint of the film, and the film time to sync.
    pub film: Digest,
    pub range: TimeRange,
    /// The film's face analysis, and whom of it to sync.
    pub analysis: Digest,
    pub person: u32,
    /// Fingerprint of the voice file, and what of it is heard (voice time).
    pub voice: Digest,
    pub voice_range: TimeRange,
    /// Film time at which the voice file's beginning falls; may lie before the film.
    pub voice_at: Time,
    /// With the checkpoint filled in where the family needs one.
    pub method: Method,
    /// By `from`; empty leaves the reference to the family.
    pub references: Vec<ReferenceKey>,
    /// Other films of the actor, in the order they are shown to the family.
    pub footage: Vec<Footage>,
    /// Where the editor has put the face, by `at`; each inside `range`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faces: Vec<FaceKey>,
    /// Raised by the engine whenever equal specs would no longer give equal pictures.
    pub engine: u32,
}

/// From film time `from` on, the reference is the film's frame at `picture`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceKey {
    pub from: Time,
    pub picture: Time,
}

/// At film time `at` the face is in `rect`, in pixels of the film.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaceKey {
    pub at: Time,
    pub rect: Rect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footage {
    pub film: Digest,
    pub analysis: Digest,
    pub person: u32,
}

impl TakeSpec {
    /// Which analysis of this film's faces it was made with; `None` where it has nothing of that film.
    pub fn seen_in(&self, film: Digest) -> Option<Digest> {
        let footage = self.footage.iter().map(|footage| (footage.film, footage.analysis));
        let mut films = std::iter::once((self.film, self.analysis)).chain(footage);
        films.find(|(of, _)| *of == film).map(|(_, analysis)| analysis)
    }

    /// Names the take's pictures: BLAKE3 over [`TakeSpec::encode`].
    pub fn key(&self) -> Digest {
        Digest::of(&self.encode())
    }

    /// Every field in a fixed order, little-endian, texts and lists behind their lengths. Written out rather than
    /// left to a serialiser: the key must never change because a library did.
    fn encode(&self) -> Vec<u8> {
        let TakeSpec {
            film,
            range,
            analysis,
            person,
            voice,
            voice_range,
            voice_at,
            method,
            references,
            footage,
            faces,
            engine,
        } = self;
        let Method {
            family,
            preset,
            checkpoint,
            sampler,
            steps,
            eta,
            seed,
            in_betweens,
            half_precision,
            inner_every,
            emphasis,
            feather,
            reach,
        } = method;
        let mut out = Encoder::default();
        out.text("lipsmith take 1").number(u64::from(*engine));
        out.digest(*film).range(*range).digest(*analysis).number(u64::from(*person));
        out.digest(*voice).range(*voice_range).time(*voice_at);
        out.text(family).number(match preset {
            Preset::Film => 0,
            Preset::Reference => 1,
        });
        out.list(checkpoint, |out, checkpoint| out.digest(*checkpoint));
        out.text(sampler).number(u64::from(*steps)).real(*eta).number(*seed);
        out.list(feather, |out, feather| out.real(*feather));
        out.list(references, |out, ReferenceKey { from, picture }| out.time(*from).time(*picture));
        out.list(footage, |out, Footage { film, analysis, person }| {
            out.digest(*film).digest(*analysis).number(u64::from(*person))
        });
        // Only where they say something: takes that do without keep the names they had before these were thought of.
        if !reach.is_usual() {
            out.text("reach").real(reach.up).real(reach.side).real(reach.down);
        }
        if *in_betweens {
            out.text("in-betweens");
        }
        if *half_precision {
            out.text("half precision");
        }
        if !is_one(inner_every) {
            out.text("inner every").number(u64::from(*inner_every));
        }
        if !is_usual(emphasis) {
            out.text("emphasis").real(*emphasis);
        }
        if !faces.is_empty() {
            out.text("faces").list(faces, |out, FaceKey { at, rect }| {
                out.time(*at).real(rect.x0).real(rect.y0).real(rect.x1).real(rect.y1)
            });
        }
        out.0
    }
}

#[derive(Default)]
struct Encoder(Vec<u8>);

impl Encoder {
    fn number(&mut self, value: u64) -> &mut Encoder {
        self.0.extend(value.to_le_bytes());
        self
    }
    fn time(&mut self, value: Time) -> &mut Encoder {
        self.0.extend(value.0.to_le_bytes());
        self
    }
    fn range(&mut self, value: TimeRange) -> &mut Encoder {
        self.time(value.start()).time(value.end())
    }
    /// Adding zero makes -0 the 0 that it equals.
    fn real(&mut self, value: f32) -> &mut Encoder {
        self.0.extend((value + 0.0).to_bits().to_le_bytes());
        self
    }
    fn text(&mut self, value: &str) -> &mut Encoder {
        self.number(value.len() as u64);
        self.0.extend(value.as_bytes());
        self
    }
    fn digest(&mut self, value: Digest) -> &mut Encoder {
        self.text(&value.hex())
    }
    /// An option is a list of none or one.
    fn list<'a, T: 'a>(
        &mut self,
        items: impl IntoIterator<Item = &'a T, IntoIter: ExactSizeIterator>,
        each: impl for<'e> Fn(&'e mut Encoder, &'a T) -> &'e mut Encoder,
    ) -> &mut Encoder {
        let items = items.into_iter();
        self.number(items.len() as u64);
        for item in items {
            each(self, item);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> TakeSpec {
        TakeSpec {
            film: Digest::of(b"film"),
            range: TimeRange::new(Time(100), Time(900)),
            analysis: Digest::of(b"analysis"),
            person: 2,
            voice: Digest::of(b"voice"),
            voice_range: TimeRange::new(Time(0), Time(700)),
            voice_at: Time(-40),
            method: Method {
                feather: Some(0.25),
                checkpoint: Some(Digest::of(b"weights")),
                ..Method::default()
            },
            references: vec![ReferenceKey { from: Time(100), picture: Time(140) }],
            footage: vec![Footage { film: Digest::of(b"other"), analysis: Digest::of(b"its"), person: 1 }],
            faces: Vec::new(),
            engine: 1,
        }
    }

    /// A changed key makes every take in every cache stale: if this fails, that must be meant.
    #[test]
    fn the_key_is_pinned() {
        assert_eq!(spec().key().hex(), "29cf78c284809f686601894f12c16e46030b3635281cfee9cf2e7a18350c86b5");
    }

    /// Whatever field a file format of the spec has, changing it changes the key.
    #[test]
    fn every_field_counts() {
        const FACE: FaceKey = FaceKey { at: Time(120), rect: Rect { x0: 1.0, y0: 2.0, x1: 3.0, y1: 4.0 } };
        type Change = (&'static str, fn(&mut TakeSpec));
        let changes: [Change; 32] = [
            ("film", |s| s.film = Digest::of(b"x")),
            ("range start", |s| s.range = TimeRange::new(Time(101), Time(900))),
            ("range end", |s| s.range = TimeRange::new(Time(100), Time(901))),
            ("analysis", |s| s.analysis = Digest::of(b"x")),
            ("person", |s| s.person = 3),
            ("voice", |s| s.voice = Digest::of(b"x")),
            ("voice range", |s| s.voice_range = TimeRange::new(Time(0), Time(701))),
            ("voice at", |s| s.voice_at = Time(-41)),
            ("family", |s| s.method.family = "wav2lip".into()),
            ("preset", |s| s.method.preset = Preset::Reference),
            ("checkpoint", |s| s.method.checkpoint = None),
            ("sampler", |s| s.method.sampler = "ddpm".into()),
            ("steps", |s| s.method.steps = 26),
            ("eta", |s| s.method.eta = 0.5),
            ("seed", |s| s.method.seed = 8),
            ("feather", |s| s.method.feather = None),
            ("reference from", |s| s.references[0].from = Time(101)),
            ("reference picture", |s| s.references[0].picture = Time(141)),
            ("no reference", |s| s.references.clear()),
            ("footage person", |s| s.footage[0].person = 2),
            ("no footage", |s| s.footage.clear()),
            ("engine", |s| s.engine = 2),
            ("in-betweens", |s| s.method.in_betweens = true),
            ("half precision", |s| s.method.half_precision = true),
            ("inner every", |s| s.method.inner_every = 2),
            ("emphasis", |s| s.method.emphasis = 1.5),
            ("reach up", |s| s.method.reach.up = 0.9),
            ("reach side", |s| s.method.reach.side = 0.9),
            ("reach down", |s| s.method.reach.down = 0.9),
            ("face", |s| s.faces = vec![FACE]),
            ("face at", |s| s.faces = vec![FaceKey { at: Time(121), ..FACE }]),
            ("face place", |s| s.faces = vec![FaceKey { rect: Rect::new(1.0, 2.0, 3.0, 5.0), ..FACE }]),
        ];
        let mut keys = std::collections::BTreeMap::from([(spec().key(), "unchanged")]);
        for (name, change) in changes {
            let mut changed = spec();
            change(&mut changed);
            if let Some(same) = keys.insert(changed.key(), name) {
                panic!("'{name}' and '{same}' have one key");
            }
        }
    }

    #[test]
    fn minus_zero_is_zero() {
        let (mut plus, mut minus) = (spec(), spec());
        (plus.method.eta, minus.method.eta) = (0.0, -0.0);
        assert_eq!(plus, minus);
        assert_eq!(plus.key(), minus.key());
    }
}
