use candle_core::{DType, Tensor};
use lipsmith_nets::Result;
use lipsmith_nets::wav2lip::{Config, Wav2Lip};

use crate::support::{ONE_FORWARD, assert_close, assert_ran, cases};

#[test]
fn golden_forward() -> Result<()> {
    let mut count = 0;
    for case in cases("wav2lip_generator", |_| true) {
        for (source, vars) in case.sources() {
            let network = Wav2Lip::new(&Config::of_checkpoint(&vars)?, &vars)?;
            let io = case.tensors("io.safetensors");
            let what = |part: &str| format!("{} {source} {part}", case.name);

            let (mel, faces) = (io.get("mel"), io.get("face6"));
            let embedding = network.audio_embedding(mel)?;
            assert_close(&what("audio embedding"), &embedding, io.get("audio_embedding"), ONE_FORWARD);
            assert_close(&what("faces"), &network.forward(mel, faces)?, io.get("out"), ONE_FORWARD);

            // A clip `[b, 6, t, 96, 96]` is a batch of b·t: it runs the same network.
            if io.map.contains_key("out_5d") {
                let clip = |name: &str| io.get(name).squeeze(0);
                let faces = clip("face6_5d")?.transpose(0, 1)?.contiguous()?;
                let out = network.forward(&clip("mel_5d")?, &faces)?;
                let expected: Tensor = clip("out_5d")?.transpose(0, 1)?.contiguous()?;
                assert_close(&what("clip"), &out, &expected, ONE_FORWARD);
            }
            if case.has("paste.safetensors") {
                let paste = case.tensors("paste.safetensors");
                let out = network.forward(paste.get("mel"), &inputs(paste.get("face96_bgr_u8"))?)?;
                let out = out.squeeze(0)?.permute((1, 2, 0))?.affine(255.0, 0.0)?;
                assert_close(&what("paste"), &out, paste.get("pred_hwc_bgr_255_f32"), ONE_FORWARD);
            }
            count += 1;
        }
    }
    assert_ran("Wav2Lip generators", count);
    Ok(())
}

/// `[h, w, 3]` bytes → `[1, 6, h, w]`: the face with its lower half black, the whole face.
fn inputs(bytes: &Tensor) -> Result<Tensor> {
    let face = bytes.to_dtype(DType::F32)?.affine(1.0 / 255.0, 0.0)?;
    let face = face.permute((2, 0, 1))?.unsqueeze(0)?.contiguous()?;
    let half = face.dim(2)? / 2;
    let black = face.narrow(2, half, half)?.zeros_like()?;
    let masked = Tensor::cat(&[&face.narrow(2, 0, half)?, &black], 2)?;
    Ok(Tensor::cat(&[masked, face], 1)?)
}
