//! Who judges a generator's pictures beside the truth. All look at lower halves of faces as Wav2Lip's networks see them:
//! `[n, 3·pictures, 48, 96]`, blue, green and red in 0..=1, picture after picture.

use super::syncnet::LOOK;
use crate::TrainError;
use crate::denoising::scaled;
use crate::learner::Learner;
use crate::losses::{agreement, sync, verdict};
use crate::optim::Settings;
use crate::weights::Weights;
use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use lipsmith_nets::disc_qual::{Config, QualityDiscriminator};
use lipsmith_nets::lpips::{Backbone, Lpips, features_apart};
use lipsmith_nets::syncnet_color::SyncNetColor;
use lipsmith_nets::wav2lip::FACE;
use lipsmith_nets::zoo::{Network, Variant};
use std::collections::HashMap;

#[derive(Default)]
pub struct Judges {
    /// Of sync; stands still.
    pub expert: Option<SyncNetColor>,
    /// Of looks; stands still.
    pub lpips: Option<Lpips>,
    /// Of looks; learns beside the generator.
    pub adversary: Option<Adversary>,
}

impl Judges {
    /// The expert's loss of five pictures in a row, `[n, 15, 48, 96]`, and the sound of the first, `[n, 1, 80, 16]`;
    /// `None` without an expert.
    pub fn sync(&self, lower: &Tensor, sounds: &Tensor) -> Result<Option<Tensor>, TrainError> {
        let Some(expert) = &self.expert else { return Ok(None) };
        Ok(Some(sync(&agreement(&expert.faces(lower)?, &expert.sound(sounds)?)?, true)?))
    }

    /// How different made and true pictures look, `[n, 3, s, s]`, red, green and blue in [-1, 1], and by whose measure: by
    /// LPIPS where its weights were given; else by what the expert feels at five in a row, all its sizes alike. `None`
    /// without both.
    pub fn looks(&self, made: &Tensor, truth: &Tensor) -> Result<Option<(&'static str, Tensor)>, TrainError> {
        if let Some(lpips) = &self.lpips {
            let name = match lpips.backbone {
                Backbone::Alex => "lpips_alex",
                Backbone::Vgg => "lpips_vgg",
            };
            return Ok(Some((name, lpips.forward(made, truth)?.mean_all()?)));
        }
        let Some(expert) = &self.expert else { return Ok(None) };
        let mut all = Tensor::zeros((), DType::F32, made.device())?;
        let (made, truth) = (expert.features(&in_a_row(made)?)?, expert.features(&in_a_row(truth)?)?);
        let sizes = made.len().max(1) as f64;
        for (made, truth) in made.iter().zip(&truth) {
            all = (all + (features_apart(made, truth, None)?.mean_all()? / sizes)?)?;
        }
        Ok(Some(("felt_by_expert", all)))
    }
}

/// Windows of five pictures, `[n·5, 3, s, s]`, red, green and blue in [-1, 1] → `[n, 15, 48, 96]`.
pub fn in_a_row(pictures: &Tensor) -> Result<Tensor, TrainError> {
    let n = pictures.dim(0)? / LOOK;
    let turned = Tensor::new(&[2u32, 1, 0], pictures.device())?;
    let bgr = pictures.index_select(&turned, 1)?.affine(0.5, 0.5)?;
    let lower = scaled(&bgr, FACE)?.narrow(2, FACE / 2, FACE / 2)?.contiguous()?;
    Ok(lower.reshape((n, 3 * LOOK, FACE / 2, FACE))?)
}

/// A discriminator that learns beside a generator to tell made mouths from filmed ones, and whose verdict the generator
/// learns to turn (Goodfellow et al. 2014, the non-saturating form, as Wav2Lip has it). With one picture at a time it is
/// Wav2Lip's of visual quality, with five Diff2Lip's of sequences.
pub struct Adversary {
    config: Config,
    learner: Learner,
}

const PREFIX: &str = "judge.";

impl Adversary {
    /// A fresh one; `settings` are the generator's, its momentum is the paper's for adversaries.
    pub fn new(config: Config, seed: u64, settings: Settings, device: &Device) -> Result<Self, TrainError> {
        let variant = Variant::Critic { channels: config.width, pictures: config.pictures };
        // Another stream than the generator's.
        let weights = Weights::made(Network::QualityDiscriminator, variant, seed ^ 1, device)?;
        let settings = Settings { betas: [0.5, 0.999], rank: None, ..settings };
        Ok(Self { config, learner: Learner::new(weights, settings, None)? })
    }

    /// Pictures that it looks at together.
    pub fn pictures(&self) -> usize {
        self.config.pictures
    }

    fn judge(&self, vb: &VarBuilder, lower: &Tensor) -> Result<Tensor, TrainError> {
        Ok(QualityDiscriminator::new(&self.config, vb)?.judge(lower)?)
    }

    /// The generator's loss of lower halves that it made, `[n, 3·pictures, 48, 96]`; the discriminator stands still.
    pub fn fooled(&self, made: &Tensor) -> Result<Tensor, TrainError> {
        Ok(verdict(&self.judge(&self.learner.weights.frozen(), made)?, true)?)
    }

    /// Its own losses of filmed and of made lower halves.
    pub fn losses(&self, filmed: &Tensor, made: &Tensor) -> Result<[Tensor; 2], TrainError> {
        let vb = self.learner.builder()?;
        let filmed = verdict(&self.judge(&vb, filmed)?, true)?;
        Ok([filmed, verdict(&self.judge(&vb, &made.detach())?, false)?])
    }

    pub fn gather(&self, sum: Option<GradStore>, part: GradStore) -> Result<GradStore, TrainError> {
        self.learner.gather(sum, part)
    }

    pub fn step(&mut self, grads: &GradStore) -> Result<f64, TrainError> {
        self.learner.step(grads)
    }

    pub fn state(&self) -> Result<Vec<(String, Tensor)>, TrainError> {
        self.learner.state(PREFIX)
    }

    pub fn restore(&mut self, state: &HashMap<String, Tensor>) -> Result<(), TrainError> {
        self.learner.restore(PREFIX, state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_slope, noise, number};
    use lipsmith_nets::mel::{BANDS, WINDOW};
    use lipsmith_nets::syncnet_color;

    /// As strong as networks that have learned: fresh ones hardly feel what they see, and f32 could not tell a slope.
    fn strong(weights: &Weights) {
        for (_, var) in weights.vars().iter().filter(|(_, var)| var.rank() == 4) {
            let stronger = (var.as_detached_tensor() * 2.4).expect("scaled");
            var.set(&stronger).expect("set");
        }
    }

    fn judges() -> Judges {
        let device = Device::Cpu;
        let weights = Weights::fresh(Network::LipsyncExpert, 4, 1, &device).expect("weights");
        strong(&weights);
        let expert = SyncNetColor::new(&syncnet_color::Config { width: 2 }, &weights.frozen());
        let adversary = Adversary::new(Config { width: 2, pictures: LOOK }, 1, Settings::default(), &device);
        let adversary = adversary.expect("an adversary");
        strong(&adversary.learner.weights);
        Judges { expert: expert.ok(), lpips: None, adversary: Some(adversary) }
    }

    #[test]
    fn every_verdict_has_a_true_slope() {
        let judges = judges();
        let (made, truth) = (noise(1, &[LOOK, 3, 32, 32]), noise(2, &[LOOK, 3, 32, 32]));
        let looks = |made: &Tensor| judges.looks(made, &truth).expect("compared").expect("by the expert");
        assert_eq!(looks(&made).0, "felt_by_expert");
        assert!(number(&looks(&truth).1) < 1e-9, "what is the same looks the same");
        check_slope(&made, |made| looks(made).1);

        let sound = noise(3, &[1, 1, BANDS, WINDOW]);
        let lower = |made: &Tensor| in_a_row(made).expect("a row");
        check_slope(&made, |made| judges.sync(&lower(made), &sound).expect("judged").expect("by the expert"));
        let adversary = judges.adversary.as_ref().expect("an adversary");
        check_slope(&made, |made| adversary.fooled(&lower(made)).expect("judged"));
    }

    #[test]
    fn an_adversary_learns_to_tell_made_from_filmed() {
        let mut judges = judges();
        let adversary = judges.adversary.as_mut().expect("an adversary");
        let (filmed, made) =
            (noise(1, &[1, 15, 48, 96]), noise(2, &[1, 15, 48, 96]).abs().expect("brighter"));
        let losses = |adversary: &Adversary| {
            let [of_filmed, of_made] = adversary.losses(&filmed, &made).expect("judged");
            // What one side gains the other loses: the probabilities of both verdicts make 1.
            let fooled = number(&adversary.fooled(&made).expect("judged"));
            assert!(((-fooled).exp() + (-number(&of_made)).exp() - 1.0).abs() < 1e-4, "{fooled} {of_made}");
            ((of_filmed + of_made).expect("a sum") * 0.5).expect("a mean")
        };
        let before = number(&losses(adversary));
        for _ in 0..40 {
            let grads = losses(adversary).backward().expect("a gradient");
            adversary.step(&grads).expect("a step");
        }
        assert!(number(&losses(adversary)) < before, "it learns");
    }
}
