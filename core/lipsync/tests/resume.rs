//! A long shot comes in pieces, and a tracking that was broken off between them finds what one run finds.

use lipsmith_base::{ColourSpec, FrameRate, Picture, PixelFormat, Rect};
use lipsmith_lipsync::LipsyncError;
use lipsmith_lipsync::face::{Detection, FaceDetector, Finder, Shot, Tracker};
use lipsmith_media::synthetic;

/// Two people who move by the picture's own number; the second comes late.
struct Planted;

impl FaceDetector for Planted {
    fn detect(&mut self, picture: &Picture, window: Rect, _: f32) -> Result<Vec<Detection>, LipsyncError> {
        let n = synthetic::number_in(picture) as f32;
        let first = Rect::new(20.0 + 0.02 * n, 30.0, 60.0 + 0.02 * n, 70.0);
        let second = Rect::new(130.0 - 0.03 * n, 25.0, 165.0 - 0.03 * n, 60.0);
        let there = [Some(first), (n > 50.0).then_some(second)].into_iter().flatten();
        let inside = there.filter(|rect| window.contains(rect.centre()));
        Ok(inside.map(|rect| Detection { rect, score: 0.95, eyes: None }).collect())
    }
}

const PICTURES: usize = 1_100;

fn picture(number: usize) -> Picture {
    synthetic::picture(number as u64, 192, 108, PixelFormat::I420, ColourSpec::BT709).expect("a picture")
}

fn tracker() -> Tracker {
    Tracker::new(Finder { detector: Box::new(Planted), mesh: None }, FrameRate::FPS_25)
}

fn finish(mut tracker: Tracker, from: usize) -> Vec<Shot> {
    let mut shots = Vec::new();
    for number in from..PICTURES {
        shots.extend(tracker.push(&picture(number)).expect("runs"));
    }
    shots.extend(tracker.finish().expect("runs"));
    shots
}

#[test]
fn a_long_shot_is_taken_up_between_its_pieces() {
    let whole = finish(tracker(), 0);
    let pieces: Vec<_> = whole.iter().map(|shot| (shot.start, shot.length, shot.runs_on)).collect();
    assert_eq!(pieces, [(0, 500, true), (500, 500, true), (1_000, 100, false)]);
    for shot in &whole {
        let people: Vec<_> = shot.tracks.iter().map(|track| track.person).collect();
        assert_eq!(people, [1, 2], "from frame {}", shot.start);
        let left = |person: usize| shot.tracks[person].faces.iter().flatten().next().map(|face| face.rect.x0);
        assert!(left(0) < left(1), "they stay who they are");
    }
    for kept in 1..whole.len() {
        let mut tracker = tracker();
        let mut from = 0;
        for shot in &whole[..kept] {
            // As it comes back from the cache.
            let shot = Shot::decode(&shot.encode()).expect("our own");
            from = shot.start + shot.length;
            tracker.resume(&shot);
        }
        let rest: Vec<_> = finish(tracker, from).iter().map(Shot::encode).collect();
        let same: Vec<_> = whole[kept..].iter().map(Shot::encode).collect();
        assert!(rest == same, "broken off after {kept} pieces");
    }
}
