use candle_core::{DType, Tensor};
use lipsmith_nets::Result;
use lipsmith_nets::s3fd::{CANDIDATE, Config, Detection, Flavour, Level, Rule, S3fd, candidates, suppress};

use crate::support::{Case, ONE_FORWARD, Tensors, assert_close, assert_ran, cases};

/// Corners in pixels.
const CORNER: f32 = 0.05;
/// Scores this near a threshold may fall on either side of it.
const BORDERLINE: f32 = 1e-4;

/// The network with the weights by their rule and with each checkpoint's.
fn networks(case: &Case, flavour: Flavour) -> impl Iterator<Item = Result<S3fd>> {
    case.sources().into_iter().map(move |(_, vars)| {
        let config = Config::of_checkpoint(&vars)?;
        assert_eq!(config.flavour, flavour);
        S3fd::new(&config, &vars)
    })
}

/// Rows of left, top, right, bottom, score.
fn detections(rows: &Tensor) -> Result<Vec<Detection>> {
    let rows = rows.to_vec2::<f32>()?;
    Ok(rows.iter().map(|r| Detection { corners: [r[0], r[1], r[2], r[3]], score: r[4] }).collect())
}

fn near(a: &Detection, b: &Detection) -> bool {
    let corners = a.corners.iter().zip(b.corners).all(|(a, b)| (a - b).abs() <= CORNER);
    corners && (a.score - b.score).abs() <= BORDERLINE
}

/// The same boxes, but for those whose score is at the threshold.
#[track_caller]
fn assert_same_boxes(what: &str, found: &[Detection], expected: &[Detection], threshold: f32) {
    for (boxes, others) in [(found, expected), (expected, found)] {
        for detection in boxes.iter().filter(|d| (d.score - threshold).abs() > BORDERLINE) {
            assert!(others.iter().any(|other| near(detection, other)), "{what}: no partner of {detection:?}");
        }
    }
}

/// `[1, 3, h, w]`, 0 to 255, from `[h, w, 3]` bytes.
fn picture(bytes: &Tensor) -> Result<Tensor> {
    Ok(bytes.permute((2, 0, 1))?.unsqueeze(0)?.contiguous()?.to_dtype(DType::F32)?)
}

#[test]
fn golden_face_alignment() -> Result<()> {
    let mut count = 0;
    for case in cases("s3fd_face_alignment", |_| true) {
        for network in networks(&case, Flavour::FaceAlignment) {
            let io = case.tensors("io.safetensors");
            let rgb = picture(io.get("image_rgb_u8"))?;
            let bgr = Tensor::cat(&[rgb.narrow(1, 2, 1)?, rgb.narrow(1, 1, 1)?, rgb.narrow(1, 0, 1)?], 1)?;
            let network = network?;
            for (fed, pixels) in [("w2l_rgb_fed", rgb), ("d2l_bgr_fed", bgr)] {
                if io.map.contains_key(&format!("{fed}.cls0")) {
                    compare(&format!("{} {fed}", case.name), &network, &pixels, |part: &str| {
                        io.get(&format!("{fed}.{part}"))
                    })?;
                    count += 1;
                }
            }
        }
    }
    assert_ran("pictures through S3FD of face-alignment", count);
    Ok(())
}

/// Heads, candidates, suppression, boxes and the one rectangle that Wav2Lip takes.
fn compare<'a>(
    what: &str,
    network: &S3fd,
    pixels: &Tensor,
    named: impl Fn(&str) -> &'a Tensor,
) -> Result<()> {
    let means = Tensor::new(&Flavour::FaceAlignment.channel_means(), pixels.device())?;
    let levels = network.forward(&pixels.broadcast_sub(&means.reshape((1, 3, 1, 1))?)?)?;
    for (i, Level { confidence, location }) in levels.iter().enumerate() {
        assert_close(&format!("{what} cls{i}"), confidence, named(&format!("cls{i}")), ONE_FORWARD);
        assert_close(&format!("{what} reg{i}"), location, named(&format!("reg{i}")), ONE_FORWARD);
    }

    let expected = detections(named("boxes_over_0.05"))?;
    assert_same_boxes(what, &candidates(&levels, 0, CANDIDATE)?, &expected, CANDIDATE);

    let rule = Rule::FACE_ALIGNMENT;
    let kept = suppress(&expected, rule.overlap, rule.inclusive);
    let kept: Vec<i64> = kept.into_iter().map(|i| i as i64).collect();
    assert_eq!(kept, named("nms_keep").to_vec1::<i64>()?, "{what}: suppression");

    let found = network.detect(pixels, &rule)?.remove(0);
    assert_same_boxes(what, &found, &detections(named("final_x1y1x2y2score"))?, rule.score);

    let best: Vec<i64> = found[0].corners.iter().map(|corner| corner.max(0.0) as i64).collect();
    assert_eq!(best, named("api_rect").to_vec1::<i64>()?, "{what}: rectangle");
    Ok(())
}

#[test]
fn golden_syncnet() -> Result<()> {
    let mut count = 0;
    for case in cases("s3fd_syncnet", |_| true) {
        for network in networks(&case, Flavour::SyncNet) {
            let io = case.tensors("io.safetensors");
            let net_in = io.get("net_in");
            let levels = network?.forward(net_in)?;
            for (i, Level { confidence, location }) in levels.iter().enumerate() {
                let what = |part: &str| format!("{} {part}{i}", case.name);
                let raw = io.get(&format!("conf_raw{i}"));
                let others = raw.dim(1)? - 1;
                let background = raw.narrow(1, 0, others)?.max_keepdim(1)?;
                let expected = Tensor::cat(&[background, raw.narrow(1, others, 1)?], 1)?;
                assert_close(&what("conf"), confidence, &expected, ONE_FORWARD);
                assert_close(&what("loc"), location, io.get(&format!("loc_raw{i}")), ONE_FORWARD);
            }
            let threshold = io.get("conf_th").to_vec1::<f32>()?[0];
            let rule = Rule { score: threshold, ..Rule::SYNCNET };
            let found = in_picture(&io, net_in, rule.choose(candidates(&levels, 0, CANDIDATE)?))?;
            let expected = detections(io.get("boxes_final"))?;
            assert_same_boxes(&format!("{} boxes", case.name), &found, &expected, threshold);
            count += 1;
        }
    }
    assert_ran("pictures through S3FD of syncnet_python", count);
    Ok(())
}

/// From pixels of the scaled picture that was fed to those of the whole one.
fn in_picture(io: &Tensors, net_in: &Tensor, found: Vec<Detection>) -> Result<Vec<Detection>> {
    let (_, _, h, w) = net_in.dims4()?;
    let (rows, columns, _) = io.get("image_rgb_u8").dims3()?;
    let (x, y) = (columns as f32 / w as f32, rows as f32 / h as f32);
    let scaled = |[x1, y1, x2, y2]: [f32; 4]| [x1 * x, y1 * y, x2 * x, y2 * y];
    Ok(found.into_iter().map(|d| Detection { corners: scaled(d.corners), ..d }).collect())
}
