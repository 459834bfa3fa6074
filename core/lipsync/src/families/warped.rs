//! A network that warps (`lipsmith-w`) as a recipe. Pictures of the actor are made to speak where they were filmed, head
//! and light as they were, so that the network has nothing to move but the mouth; each is then laid on the film's
//! face as one from elsewhere is. Several serve a line, for it shows only what they show: see [`advisor::to_carry`].

use super::lay::{self, Mouth, Spoken};
use super::network::{Pads, from_tensor, lift, padded, to_tensor};
use super::{Crop, Line, Patch, Recipe, Source, SourceImages, Target, advisor, wav2lip};
use crate::blend::{Mask, polygon_alpha, smoothstep};
use crate::error::LipsyncError;
use crate::face::frame::frame;
use crate::face::{Face, Landmarks};
use candle_core::{Device, Tensor};
use lipsmith_base::{Affine, Cancel, Point, Rect, Rgb};
use lipsmith_nets::NetsError;
use lipsmith_nets::mel::{Mel, Padding, RATE};
use lipsmith_nets::wav2lip::{FACE, Wav2Lip};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Room around the face that the network is shown.
const PADS: Pads = wav2lip::PADS;
/// Frames on either side of a change over which one picture gives way to the other.
const FADE: usize = 2;
/// Where the network's picture is carried out, in its own pixels: from just above the half that it is not shown, and not to
/// its very border.
const TOP: f32 = 0.42 * FACE as f32;
const EDGE: f32 = 0.06 * FACE as f32;
/// Over how much of a lip what is painted gives way to what is carried over, in units of the face.
const LIP: f32 = 0.08;

pub struct WarpedRecipe {
    network: Wav2Lip,
    /// How many times what is heard the mouth does, see [`emphasised`](crate::mouth::emphasised).
    emphasis: f64,
    device: Device,
    mask: Mask,
    /// The pictures that are made to speak, in the plan's order.
    carried: Vec<Source>,
    /// Of each frame of the line, which of them it shows and how much of each.
    shares: Vec<Vec<(usize, f32)>>,
    /// Mel frame at which each frame's window begins.
    starts: Vec<i64>,
    mel: Option<Mel>,
}

impl WarpedRecipe {
    /// `network` is one that [warps](Wav2Lip::warps).
    pub fn new(network: Wav2Lip, emphasis: f64, device: Device, mask: Mask) -> WarpedRecipe {
        let (carried, shares, starts) = (Vec::new(), Vec::new(), Vec::new());
        WarpedRecipe { network, emphasis, device, mask, carried, shares, starts, mel: None }
    }
}

impl Recipe for WarpedRecipe {
    fn plan(&mut self, line: &Line, _: &Cancel) -> Result<Vec<(Source, Crop)>, LipsyncError> {
        self.mel = Some(Mel::new(&line.voice.samples, Padding::Reflect));
        self.starts = line.times.iter().map(|t| t.floor_units(RATE as i64)).collect();
        let chosen = match line.reference {
            Some(source) => vec![source; line.faces.len()],
            None => {
                let faces = line.footage.first().map_or(&[][..], |stretch| &stretch.faces);
                let frames = advisor::to_carry(faces, line.faces).into_iter();
                frames.map(|frame| Source { footage: 0, frame }).collect()
            }
        };
        self.carried = chosen.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let place = |source: &Source| self.carried.binary_search(source).ok();
        let chosen: Vec<usize> = chosen.iter().filter_map(place).collect();
        self.shares = faded(&chosen);
        let pictures = self.carried.iter().map(|&source| Some((source, crop(line.face(source)?))));
        pictures.collect::<Option<_>>().ok_or_else(|| {
            LipsyncError::Unfit(
                "the chosen reference does not show the actor's face: choose another picture of him".into(),
            )
        })
    }

    fn looks_at(&self, frames: Range<usize>) -> Option<Vec<usize>> {
        let shares = self.shares.iter().skip(frames.start).take(frames.len());
        Some(shares.flatten().map(|&(picture, _)| picture).collect())
    }

    fn crop(&self, _: usize, face: &Face) -> Crop {
        lay::crop(face)
    }

    fn render(
        &mut self,
        line: &Line,
        targets: &[Target],
        sources: &dyn SourceImages,
        cancel: &Cancel,
    ) -> Result<Vec<Option<Patch>>, LipsyncError> {
        cancel.check()?;
        let mut actors = BTreeMap::new();
        let mut wanted = Vec::new();
        for target in targets {
            for &(picture, share) in self.shares.get(target.frame).map_or(&[][..], Vec::as_slice) {
                if let (None, Some(face)) = (actors.get(&picture), line.face(self.carried[picture])) {
                    actors.insert(picture, Actor::new(sources.image(picture)?, face));
                }
                wanted.push((target.frame, picture, share));
            }
        }
        let said: Vec<_> =
            wanted.iter().map(|&(frame, picture, _)| (&actors[&picture], self.starts[frame])).collect();
        let made = self.run(&said).map_err(lift(&self.device))?;
        let patches = targets.par_iter().map(|target| {
            cancel.check()?;
            let mine = wanted.iter().zip(&made).filter(|((frame, ..), _)| *frame == target.frame);
            let mouths: Vec<_> =
                mine.map(|((_, picture, share), warp)| (actors[picture].speaking(warp), *share)).collect();
            Ok(lay::patch(&target.image, target.face, target.crop, &mouths, 0.0, &self.mask))
        });
        patches.collect()
    }
}

impl WarpedRecipe {
    /// How each picture is to be warped to speak what is heard from its mel frame on.
    fn run(&self, said: &[(&Actor, i64)]) -> Result<Vec<Warp>, NetsError> {
        let Some(mel) = self.mel.as_ref().filter(|_| !said.is_empty()) else { return Ok(Vec::new()) };
        let unit = (1.0, 0.0);
        let seen: Vec<Rgb> = said.iter().map(|(actor, _)| actor.seen.clone()).collect();
        let starts: Vec<i64> = said.iter().map(|&(_, start)| start).collect();
        let faces = to_tensor(&seen, FACE, true, unit, &self.device)?;
        let mel = mel.windows(&starts, &self.device)?;
        let made = wav2lip::painted(&self.network, self.emphasis, &mel, &faces, &faces)?;
        let Some(warp) = made.warp else {
            return Err(NetsError::Invalid("the network paints and does not warp".into()));
        };
        // Across the whole picture at most, brought into the values of one.
        let reach = FACE as f32;
        let leads = from_tensor(&Tensor::cat(&[&warp.flow, &warp.share], 1)?, false, (2.0 * reach, -reach))?;
        let painted = from_tensor(&warp.painted, true, unit)?;
        Ok(leads.into_iter().zip(painted).map(|(lead, painted)| Warp { lead, painted }).collect())
    }
}

/// What the network says of a picture, in its own pixels.
struct Warp {
    /// Flow to the right and down and the share of what is carried over, brought into 0..=1.
    lead: Rgb,
    painted: Rgb,
}

impl Warp {
    /// How far to the right and down of `at` that lies which is seen there, in the network's pixels, and the share of it.
    fn at(&self, at: Point) -> (Point, f32) {
        let side = FACE as f32;
        let border = at.x.min(side - at.x).min(side - at.y);
        let weight = smoothstep(border / EDGE) * smoothstep((at.y - TOP) / EDGE);
        if weight == 0.0 {
            return (Point::default(), 1.0);
        }
        let [right, down, share] = self.lead.bilinear(at).map(|v| (2.0 * v - 1.0) * side);
        (Point::new(right * weight, down * weight), 1.0 - (1.0 - share) * weight)
    }
}

/// A picture that is made to speak.
struct Actor<'a> {
    image: Rgb,
    face: &'a Face,
    crop: Crop,
    /// What the network is shown of it.
    seen: Rgb,
    /// Pixel of the picture ↦ the network's.
    shown: Affine,
}

impl<'a> Actor<'a> {
    fn new(image: Rgb, face: &'a Face) -> Actor<'a> {
        let crop = crop(face);
        let network = Rect::new(0.0, 0.0, FACE as f32, FACE as f32);
        let shown = crop.map.then(Affine::rect_to_rect(padded(face.rect, PADS), network));
        let seen = image.warp(shown.inverse().unwrap_or(Affine::IDENTITY), FACE, FACE);
        Actor { image, face, crop, seen, shown }
    }

    fn speaking(&self, warp: &Warp) -> Mouth<'_> {
        let face = self.moved(warp);
        let lips = self.lips(&face);
        let (image, width) = (&self.image, self.image.width());
        let (across, down) = (1.0 / self.shown.a, 1.0 / self.shown.e);
        let pixel = |i: usize| {
            let p = Point::new((i % width) as f32 + 0.5, (i / width) as f32 + 0.5);
            let at = self.shown.apply(p);
            let (flow, share) = warp.at(at);
            let share = lips.as_ref().map_or(share, |lips| 1.0 - (1.0 - share) * lips[i]);
            if (flow, share) == (Point::default(), 1.0) {
                return image.at(i);
            }
            let carried = image.bicubic(Point::new(p.x + flow.x * across, p.y + flow.y * down));
            let painted = warp.painted.bilinear(at);
            std::array::from_fn(|c| painted[c] + share * (carried[c] - painted[c]))
        };
        let pixels = (0..width * image.height()).map(pixel).collect();
        let spoken = Rgb::from_pixels(width, image.height(), pixels).unwrap_or_default();
        Mouth { image, face: self.face, crop: self.crop, spoken: Some(Spoken { image: spoken, face }) }
    }

    /// Where in the picture of this speaking `face` something may be painted: within the lips. All around them the network
    /// is unsure too, of what needs nothing. `None` without landmarks.
    fn lips(&self, face: &Face) -> Option<Vec<f32>> {
        let film = self.crop.map.inverse()?;
        let points = face.landmarks.as_deref()?.points.get(48..60)?;
        let outline: Vec<Point> = points.iter().map(|p| film.apply(*p)).collect();
        let feather = LIP * frame(self.face).scale() * film.scale();
        Some(polygon_alpha(&outline, feather, self.image.width(), self.image.height()))
    }

    /// The face as its points lie in what the warp makes: where a flow leads to a point, that is seen.
    fn moved(&self, warp: &Warp) -> Face {
        let film = self.crop.map.inverse().unwrap_or(Affine::IDENTITY);
        let unit = self.crop.map.scale();
        let point = |p: &Point| {
            let mut seen = *p;
            for _ in 0..3 {
                let (flow, _) = warp.at(self.shown.apply(film.apply(seen)));
                seen = Point::new(p.x - flow.x / self.shown.a * unit, p.y - flow.y / self.shown.e * unit);
            }
            seen
        };
        let landmarks = self.face.landmarks.as_deref().map(|landmarks| {
            Box::new(Landmarks { points: landmarks.points.iter().map(point).collect(), ..landmarks.clone() })
        });
        Face { landmarks, ..self.face.clone() }
    }
}

/// What is cut out of a picture that is made to speak: what may be laid on and what the network is shown.
fn crop(face: &Face) -> Crop {
    lay::crop_with(face, padded(face.rect, PADS))
}

/// Each frame's choice, and around a change shares of both.
fn faded(chosen: &[usize]) -> Vec<Vec<(usize, f32)>> {
    let shares = (0..chosen.len()).map(|frame| {
        let reach = FADE.min(frame).min(chosen.len() - 1 - frame);
        let near = &chosen[frame - reach..=frame + reach];
        let mut counts = BTreeMap::new();
        near.iter().for_each(|&picture| *counts.entry(picture).or_insert(0.0) += 1.0 / near.len() as f32);
        counts.into_iter().collect()
    });
    shares.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::rewrite::tests::face;

    /// A network's word that is the same everywhere.
    fn warp(down: f32, share: f32, painted: f32) -> Warp {
        let reach = FACE as f32;
        let lead = [0.0, down, share].map(|v| (v + reach) / (2.0 * reach));
        let all = |value| Rgb::from_pixels(FACE, FACE, vec![value; FACE * FACE]).expect("a picture");
        Warp { lead: all(lead), painted: all([painted; 3]) }
    }

    /// Grows brighter downwards.
    fn actor(face: &Face) -> Actor<'_> {
        let Crop { width, height, .. } = crop(face);
        let rows = (0..width * height).map(|i| [(i / width) as f32 / height as f32; 3]).collect();
        Actor::new(Rgb::from_pixels(width, height, rows).expect("a picture"), face)
    }

    fn points(face: &Face) -> Vec<Point> {
        face.landmarks.as_ref().map(|landmarks| landmarks.points.clone()).expect("points")
    }

    #[test]
    fn one_picture_gives_way_to_another_around_a_change() {
        let shares = faded(&[0, 0, 0, 0, 1, 1, 1, 1]);
        assert!(shares.iter().all(|s| (s.iter().map(|s| s.1).sum::<f32>() - 1.0).abs() < 1e-6));
        assert_eq!(shares[0], [(0, 1.0)]);
        assert_eq!(shares[7], [(1, 1.0)]);
        assert!(shares[3][0].1 > 0.5 && shares[4][0].1 < 0.5, "{shares:?}");
        assert_eq!((shares[1].len(), shares[3].len(), shares[6].len()), (1, 2, 1));
        assert!(faded(&[]).is_empty());
    }

    #[test]
    fn what_the_network_leaves_is_the_film_itself() {
        let face = face(0.2, 0.0);
        let actor = actor(&face);
        let spoken = actor.speaking(&warp(0.0, 1.0, 0.5)).spoken.expect("it speaks");
        let pixels = spoken.image.pixels().iter().zip(actor.image.pixels());
        assert!(pixels.flat_map(|(a, b)| a.iter().zip(b)).all(|(a, b)| (a - b).abs() < 1e-3));
        let (before, after) = (points(&face), points(&spoken.face));
        assert!(before.iter().zip(after).all(|(a, b)| a.distance(b) < 1e-2));
    }

    #[test]
    fn a_flow_moves_the_mouth_and_nothing_else() {
        let face = face(0.2, 0.0);
        let actor = actor(&face);
        // What lies three pixels further up in the network's picture is seen: the mouth goes down.
        let spoken = actor.speaking(&warp(-3.0, 1.0, 0.5)).spoken.expect("it speaks");
        let (before, after) = (points(&face), points(&spoken.face));
        let pixel = padded(face.rect, PADS).height() / FACE as f32;
        let down = Point::new(before[51].x, before[51].y + 3.0 * pixel);
        assert!(after[51].distance(down) < 0.1, "{:?} {down:?}", after[51]);
        assert_eq!(after[27..30], before[27..30], "the bridge of the nose");
        let mouth = actor.crop.map.inverse().expect("a map").apply(before[51]);
        let (x, y) = (mouth.x as usize, mouth.y as usize);
        assert!(spoken.image.get(x, y)[0] < actor.image.get(x, y)[0] - 0.01);
        assert_eq!(spoken.image.get(x, 5), actor.image.get(x, 5), "the brow");
    }

    #[test]
    fn nothing_is_painted_beside_the_lips() {
        let face = face(0.2, 0.0);
        let actor = actor(&face);
        let spoken = actor.speaking(&warp(0.0, 0.0, 1.0)).spoken.expect("it speaks").image;
        let film = actor.crop.map.inverse().expect("a map");
        let at = |p: Point| (film.apply(p).x as usize, film.apply(p).y as usize);
        let points = points(&face);
        let (x, y) = at(points[62].lerp(points[66], 0.5));
        assert_eq!(spoken.get(x, y), [1.0; 3], "between the lips");
        let (x, y) = at(points[48].lerp(points[4], 0.3));
        assert_eq!(spoken.get(x, y), actor.image.get(x, y), "the cheek");
    }
}
