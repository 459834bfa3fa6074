use candle_core::{DType, Device, Tensor};
use lipsmith_nets::Result;
use lipsmith_nets::mel::{Mel, Padding, diff2lip_starts, start, wav2lip_starts};
use lipsmith_nets::mfcc::mfcc;

use crate::support::{ONE_FORWARD, Tensors, assert_close, assert_ran, json, root};

fn mel_io() -> Tensors {
    Tensors::load(&root().join("mel/mel_io.safetensors"))
}

#[test]
fn golden_mel() -> Result<()> {
    let io = mel_io();
    let mut count = 0;
    for (sound, mel, padding) in [
        ("wav16k_f32", "mel_librosa070_f32", Padding::Reflect),
        ("wav16k_f32", "mel_librosa092_f32", Padding::Zero),
        ("wav_from48k_stereo_kaiser_best", "mel_from48k_stereo_librosa070", Padding::Reflect),
        ("wav_from48k_stereo_kaiser_best", "mel_from48k_stereo_librosa092", Padding::Zero),
    ] {
        let (Some(sound), Some(expected)) = (io.map.get(sound), io.map.get(mel)) else { continue };
        let found = Mel::new(&sound.to_vec1::<f32>()?, padding).to_tensor(&Device::Cpu)?;
        assert_close(mel, &found, expected, ONE_FORWARD);
        let worst = (found - expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
        assert!(worst <= 1e-3, "{mel}: off by {worst}");
        count += 1;
    }
    assert_ran("mel spectrograms", count);
    Ok(())
}

#[test]
fn golden_mel_windows() -> Result<()> {
    let index = json(&root().join("mel/chunk_index.json"));
    let starts = |value: &serde_json::Value| serde_json::from_value::<Vec<i64>>(value.clone()).unwrap();
    let mel_frames = index["mel_frames_T"].as_u64().unwrap() as usize;
    let by_rate = index["wav2lip_inference"].as_object().unwrap();
    for (rate, expected) in by_rate {
        let found = wav2lip_starts(mel_frames, rate.parse().unwrap());
        assert_eq!(found, starts(expected), "Wav2Lip at {rate}");
        if let Ok(rate) = rate.parse() {
            // At whole rates the exact rule agrees, up to the last window, which Wav2Lip moves.
            let exact = (0..).map(|frame| start(frame, (rate, 1)));
            let exact: Vec<i64> = exact.take(found.len() - 1).collect();
            assert_eq!(exact, found[..found.len() - 1], "exactly at {rate}");
        }
    }
    assert_eq!(diff2lip_starts(mel_frames), starts(&index["diff2lip_25fps"]));
    assert_ran("window lists", by_rate.len() + 1);
    Ok(())
}

#[test]
fn golden_mfcc() -> Result<()> {
    let io = Tensors::load(&root().join("syncnet_v2/mfcc.safetensors"));
    let sixteen_bits = |x: &Tensor, gain: f64| -> Result<Vec<i16>> {
        let samples = (x.to_dtype(DType::F64)? * gain)?.to_vec1::<f64>()?;
        Ok(samples.iter().map(|&sample| sample as i16).collect())
    };
    let mut cases = vec![(sixteen_bits(io.get("wav_i16_first32000"), 1.0)?, "mfcc_first32000_samples")];
    if let Some(whole) = mel_io().map.get("wav16k_f32") {
        cases.push((sixteen_bits(whole, 32768.0)?, "mfcc_13xT"));
    }
    for (samples, expected) in &cases {
        let rows = mfcc(samples);
        let found = Tensor::from_vec(rows.concat(), (rows.len(), rows[0].len()), &Device::Cpu)?.t()?;
        assert_close(expected, &found, io.get(expected), ONE_FORWARD);
    }
    assert_ran("cepstra", cases.len());
    Ok(())
}
