//! `lipsmith dub`.

use super::film::DetectorName;
use super::score::face_choice;
use super::{Failure, Output, Session};
use clap::{Args, ValueEnum};
use lipsmith_engine::dub::{self, DubRequest};
use lipsmith_engine::export::profile_for;
use lipsmith_engine::recipe::{AUTO, choose, draft};
use lipsmith_engine::{
    Method, Original, PROFILES, Preset, Profile, Sink, Time, TimeRange, Timecode, media_info,
};
use serde_json::json;
use std::path::PathBuf;

#[derive(Args)]
pub struct Dub {
    /// The film
    film: PathBuf,
    /// The dubbed voice: any sound file, or a film with sound
    voice: PathBuf,
    /// The finished film
    #[arg(short, long, value_name = "OUT")]
    out: PathBuf,
    /// Where the voice begins: HH:MM:SS:FF, HH:MM:SS;FF, frames, or seconds as 12.5s [default: the start of the
    /// first range, else of the film]
    #[arg(long, value_name = "TC")]
    at: Option<String>,
    /// Dub only here, several times if wanted; elsewhere picture and sound stay as they are
    /// [default: as long as the voice lasts]
    #[arg(long, value_name = "TC-TC")]
    range: Vec<String>,
    /// What finds the faces
    #[arg(long, value_enum, default_value_t = DetectorName::Auto)]
    detector: DetectorName,
    /// Who speaks: a number from `lipsmith track`, or auto for the most prominent person
    #[arg(long, value_name = "auto|N", default_value = "auto")]
    face: String,
    /// The reference picture of the actor, for families that look at one
    #[arg(long, value_name = "auto|TC", default_value = "auto")]
    reference: String,
    /// rewrite, lipsmith-w, diff2lip, wav2lip, diffused-heads or difftalk
    #[arg(long, value_name = "NAME", default_value = AUTO)]
    family: String,
    /// film: Lipsmith's own rules; reference: the published inference scripts to the letter
    #[arg(long, value_enum, default_value_t = PresetName::Film)]
    preset: PresetName,
    /// The family's weights [default: the imported ones, see `lipsmith models list`]
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// draft: quick, to judge the sync by (diffusion families in 10 steps of unipc, at half precision where the processor
    /// has a matrix unit); final: as --sampler and --steps say
    #[arg(long, value_enum, default_value_t = Quality::Final)]
    quality: Quality,
    /// ddim, ddpm, dpm++ or unipc, for diffusion families
    #[arg(long, default_value = "ddim")]
    sampler: String,
    /// Denoising steps, for diffusion families
    #[arg(long, value_name = "N", default_value_t = 25)]
    steps: u32,
    /// Fresh noise in each step of ddim: 0 for none, 1 for as much as ddpm
    #[arg(long, value_name = "0..1", default_value_t = 0.0)]
    eta: f32,
    /// Seed of the initial noise, for diffusion families
    #[arg(long, value_name = "N", default_value_t = 7)]
    seed: u64,
    /// Paint every second frame and carry the others over from their neighbours, by the motion between them: half the
    /// time, for diff2lip and difftalk
    #[arg(long)]
    in_betweens: bool,
    /// Let only every N-th step walk all levels of the network and those between do with what it made of the inner ones: with
    /// 2 about 0.6 of the time (measured on a compact network), for diff2lip
    #[arg(long, value_name = "1..5", default_value_t = 1)]
    inner_every: u32,
    /// How much the mouth does: below 1 it mumbles, above 1 it articulates; for lipsmith-w and what is taught from it
    #[arg(long, value_name = "0..2", default_value_t = 1.0)]
    emphasis: f32,
    /// auto, cpu, cuda or metal
    #[arg(long, default_value = "auto")]
    device: String,
    /// h264-mp4, hevc-mp4, prores-mov, ffv1-mkv or vp9-webm [default: by the ending of OUT]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// What becomes of the original sound under the voice
    #[arg(long, value_enum, default_value_t = OriginalSound::Mute)]
    original: OriginalSound,
    /// Write the mask as a film of its own
    #[arg(long, value_name = "FILE")]
    matte: Option<PathBuf>,
    /// Softness of the mask's edge in distances between the eyes
    #[arg(long, value_name = "0..0.5")]
    feather: Option<f32>,
    /// More film of the same actor, for rewrite
    #[arg(long, value_name = "FILE")]
    actor_footage: Vec<PathBuf>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Quality {
    Draft,
    Final,
}

#[derive(Clone, Copy, ValueEnum)]
enum PresetName {
    Film,
    Reference,
}

impl From<PresetName> for Preset {
    fn from(name: PresetName) -> Preset {
        match name {
            PresetName::Film => Preset::Film,
            PresetName::Reference => Preset::Reference,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum OriginalSound {
    Mute,
    Duck,
    Keep,
}

impl Dub {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let asked = self.family == AUTO;
        let family = choose(&self.family, self.checkpoint.as_deref(), &self.device, &session.paths)?;
        if asked {
            let why = match &self.checkpoint {
                Some(_) => "whose network the checkpoint holds",
                None => "the best of what is installed",
            };
            session.report.note(format!("--family {AUTO}: {family}, {why}"));
        }
        let any_family = asked && self.checkpoint.is_none();
        let request = DubRequest { any_family, ..Dub { family, ..self }.request()? };
        let done = dub::dub(&session.paths, &request, &session.report, &session.cancel)?;
        session.report.result(json!(done), || done.to_string());
        Ok(())
    }

    fn request(self) -> Result<DubRequest, Failure> {
        let info = media_info(&self.film)?;
        let labels = info.video.map(|video| Timecode::non_drop(video.timing.base()));
        let timecode = |text: &str| -> Result<Time, Failure> {
            let labels =
                labels.ok_or_else(|| Failure::Usage(format!("{} has no picture", self.film.display())))?;
            labels.parse(text).map_err(|e| Failure::Usage(e.to_string()))
        };
        let range = |text: &String| -> Result<TimeRange, Failure> {
            let (from, to) = text.split_once('-').ok_or_else(|| {
                Failure::Usage(format!(
                    "--range {text}: write two timecodes with a - between them, as 00:00:01:00-00:00:04:12"
                ))
            })?;
            let (start, end) = (timecode(from)?, timecode(to)?);
            if end <= start {
                return Err(Failure::Usage(format!("--range {text}: it ends before it starts")));
            }
            Ok(TimeRange::new(start, end))
        };
        let profile = match &self.profile {
            Some(name) => Profile::from_name(name),
            None => profile_for(&self.out),
        };
        let profile = profile.ok_or_else(|| {
            let known = PROFILES.iter().map(|p| p.name()).collect::<Vec<_>>().join(", ");
            Failure::Usage(match &self.profile {
                Some(name) => format!("--profile {name}: the profiles are {known}"),
                None => format!(
                    "{}: its ending names no film format; choose one by --profile ({known})",
                    self.out.display()
                ),
            })
        })?;
        let method = Method {
            family: self.family,
            preset: self.preset.into(),
            sampler: self.sampler,
            steps: self.steps,
            eta: self.eta,
            seed: self.seed,
            in_betweens: self.in_betweens,
            inner_every: self.inner_every,
            emphasis: self.emphasis,
            feather: self.feather,
            ..Method::default()
        };
        Ok(DubRequest {
            at: self.at.as_deref().map(timecode).transpose()?,
            ranges: self.range.iter().map(range).collect::<Result<_, _>>()?,
            detector: self.detector.into(),
            face: face_choice(&self.face)?,
            reference: match self.reference.as_str() {
                "auto" => None,
                text => Some(timecode(text)?),
            },
            any_family: false,
            method: if self.quality == Quality::Draft { draft(&method) } else { method },
            checkpoint: self.checkpoint,
            device: self.device,
            profile,
            original: match self.original {
                OriginalSound::Mute => Original::Mute,
                OriginalSound::Duck => Original::Duck,
                OriginalSound::Keep => Original::Keep,
            },
            matte: self.matte,
            actor_footage: self.actor_footage,
            film: self.film,
            voice: self.voice,
            output: self.out,
        })
    }
}
