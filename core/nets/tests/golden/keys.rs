//! The tensors that a network asks for are those of its published checkpoint, by name and shape.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use candle_core::{DType, Device, Result, Shape, Tensor};
use candle_nn::VarBuilder;
use candle_nn::var_builder::SimpleBackend;
use lipsmith_nets::s3fd::{self, Flavour, S3fd};
use lipsmith_nets::{diff2lip, difftalk, diffused_heads, disc_qual, syncnet_color, syncnet_v2, wav2lip};

use crate::support::{assert_ran, root};

type Keys = BTreeMap<String, Vec<usize>>;

/// Gives every tensor that is asked for, all zero, and remembers it.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Keys>>);

impl SimpleBackend for Recorder {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: candle_nn::Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        self.0.lock().unwrap().insert(name.to_owned(), shape.dims().to_vec());
        Tensor::zeros(shape, dtype, device)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        unreachable!("{name} is asked for without its shape")
    }

    fn contains_tensor(&self, _: &str) -> bool {
        true
    }
}

fn asked_for<N>(build: impl Fn(&VarBuilder<'static>) -> lipsmith_nets::Result<N>) -> Keys {
    let recorder = Recorder::default();
    let vars = VarBuilder::from_backend(Box::new(recorder.clone()), DType::F32, Device::Cpu);
    build(&vars).unwrap();
    let keys = recorder.0.lock().unwrap();
    keys.clone()
}

/// The keeper of averages takes the dots out of names; opening a checkpoint puts them back.
fn mangled(name: String) -> String {
    match name.strip_prefix("model_ema.") {
        Some(own) => format!("model_ema.{}", own.replace('.', "")),
        None => name,
    }
}

fn published(file: &str) -> Keys {
    let path = root().join("keys").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let lines = text.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    lines
        // No network computes with what training counts, nor with latent diffusion's own tables of its noise.
        .filter(|columns| {
            let by_product = ["num_batches_tracked", "model_ema.num_updates", "model_ema.decay"];
            !by_product.iter().any(|name| columns[0].ends_with(name)) && columns[0].contains('.')
        })
        .map(|columns| {
            (columns[0].to_owned(), columns[1].split(',').map(|side| side.parse().unwrap()).collect())
        })
        .collect()
}

#[test]
fn golden_keys_and_shapes() {
    let s3fd = |flavour| asked_for(|vb| S3fd::new(&s3fd::Config::released(flavour), vb));
    let networks = [
        ("diff2lip_unet.tsv", asked_for(|vb| diff2lip::Diff2Lip::new(&diff2lip::Config::released(), vb))),
        (
            "diffused_heads_unet_rgbmotion.tsv",
            asked_for(|vb| diffused_heads::DiffusedHeads::new(&diffused_heads::Config::released(), vb)),
        ),
        (
            "difftalk_full_lightning.tsv",
            asked_for(|vb| {
                let config = difftalk::Config::released();
                difftalk::DiffTalk::new(&config, &difftalk::averaged(vb))?;
                difftalk::DiffTalk::new(&config, vb)
            })
            .into_iter()
            .map(|(name, shape)| (mangled(name), shape))
            .collect(),
        ),
        ("wav2lip_generator.tsv", asked_for(|vb| wav2lip::Wav2Lip::new(&wav2lip::Config::released(), vb))),
        (
            "wav2lip_syncnet_color_expert.tsv",
            asked_for(|vb| syncnet_color::SyncNetColor::new(&syncnet_color::Config::released(), vb)),
        ),
        (
            "wav2lip_disc_qual.tsv",
            asked_for(|vb| disc_qual::QualityDiscriminator::new(&disc_qual::Config::released(), vb)),
        ),
        ("syncnet_v2.tsv", asked_for(|vb| syncnet_v2::SyncNetV2::new(&syncnet_v2::Config::released(), vb))),
        ("s3fd_face_alignment.tsv", s3fd(Flavour::FaceAlignment)),
        ("s3fd_syncnet_sfd_face.tsv", s3fd(Flavour::SyncNet)),
    ];
    for (file, asked) in &networks {
        let published = published(file);
        let names = |keys: &Keys| keys.keys().cloned().collect::<BTreeSet<_>>();
        let difference: Vec<_> = names(asked).symmetric_difference(&names(&published)).cloned().collect();
        assert!(difference.is_empty(), "{file}: {difference:?}");
        assert_eq!(asked, &published, "{file}");
    }
    assert_ran("key lists", networks.len());
}
