//! The networks that judge what the others make.

use candle_core::DType;
use lipsmith_nets::Result;
use lipsmith_nets::disc_qual::{self, QualityDiscriminator};
use lipsmith_nets::inception::Inception;
use lipsmith_nets::syncnet_color::{self, SyncNetColor};
use lipsmith_nets::syncnet_v2::{self, SyncNetV2};
use std::path::Path;

use crate::support::{Case, ONE_FORWARD, assert_close, assert_ran, cases};

#[test]
fn golden_lip_sync_expert() -> Result<()> {
    let mut count = 0;
    for case in cases("syncnet_color", |_| true) {
        for (source, vars) in case.sources() {
            let network = SyncNetColor::new(&syncnet_color::Config::of_checkpoint(&vars)?, &vars)?;
            let io = case.tensors("io.safetensors");
            let what = |part: &str| format!("{} {source} {part}", case.name);
            let (faces, sound) = (network.faces(io.get("faces15"))?, network.sound(io.get("mel"))?);
            assert_close(&what("faces"), &faces, io.get("face_emb"), ONE_FORWARD);
            assert_close(&what("sound"), &sound, io.get("audio_emb"), ONE_FORWARD);
            assert_close(&what("agreement"), &(faces * sound)?.sum(1)?, io.get("cos"), ONE_FORWARD);
            count += 1;
        }
    }
    assert_ran("lip-sync experts", count);
    Ok(())
}

#[test]
fn golden_quality_discriminator() -> Result<()> {
    let mut count = 0;
    for case in cases("wav2lip_disc_qual", |_| true) {
        for (source, vars) in case.sources() {
            let network = QualityDiscriminator::new(&disc_qual::Config::of_checkpoint(&vars)?, &vars)?;
            let io = case.tensors("io.safetensors");
            // [b, 3, t, h, w] → [t·b, 3, h, w]
            let faces = io.get("faces").permute((2, 0, 1, 3, 4))?.flatten(0, 1)?.contiguous()?;
            let found = network.forward(&faces.to_dtype(DType::F32)?)?;
            assert_close(&format!("{} {source}", case.name), &found, io.get("out"), ONE_FORWARD);
            count += 1;
        }
    }
    assert_ran("quality discriminators", count);
    Ok(())
}

#[test]
fn golden_syncnet() -> Result<()> {
    let mut count = 0;
    for case in cases("syncnet_v2", |_| true) {
        for (source, vars) in case.sources() {
            let network = SyncNetV2::new(&syncnet_v2::Config::of_checkpoint(&vars)?, &vars)?;
            let io = case.tensors("io.safetensors");
            let what = |part: &str| format!("{} {source} {part}", case.name);
            // [t, c, h, w] → [1, c, t, h, w]
            let faces = io.get("lip_in_u8_bgr_tchw").to_dtype(DType::F32)?.transpose(0, 1)?.unsqueeze(0)?;
            assert_close(&what("faces"), &network.faces(&faces)?, io.get("lip_out"), ONE_FORWARD);
            let sound = network.sound(io.get("aud_in"))?;
            assert_close(&what("sound"), &sound, io.get("aud_out"), ONE_FORWARD);
            count += 1;
        }
    }
    assert_ran("SyncNets", count);
    Ok(())
}

/// Its numbers are not in the shared set: `tests/golden/inception/make.py` made them.
#[test]
fn golden_inception() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/inception/released");
    let case = Case { folder, name: "inception".to_owned() };
    let io = case.tensors("io.safetensors");
    let found = Inception::new(&case.vars(DType::F32))?.forward(io.get("pictures"))?;
    assert_close("inception", &found, io.get("features"), ONE_FORWARD);
    Ok(())
}
