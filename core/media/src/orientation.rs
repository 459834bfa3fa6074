//! Turns pictures upright by moving samples; no value is computed anew.

use lipsmith_base::{Chroma, ColourSpec, Picture, PixelFormat, Plane};

/// First exchange rows and columns, then mirror.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orientation {
    pub transpose: bool,
    pub flip_x: bool,
    pub flip_y: bool,
}

impl Orientation {
    /// The `image-orientation` tag's words: turn by so many degrees clockwise, mirrored first when `flip-`.
    pub fn from_tag(tag: &str) -> Orientation {
        let (transpose, flip_x, flip_y) = match tag {
            "rotate-90" => (true, true, false),
            "rotate-180" => (false, true, true),
            "rotate-270" => (true, false, true),
            "flip-rotate-0" => (false, true, false),
            "flip-rotate-90" => (true, true, true),
            "flip-rotate-180" => (false, false, true),
            "flip-rotate-270" => (true, false, false),
            _ => (false, false, false),
        };
        Orientation { transpose, flip_x, flip_y }
    }

    /// Clockwise turn in degrees (of the mirrored picture if mirrored).
    pub fn degrees(self) -> u16 {
        match (self.transpose, self.flip_x, self.flip_y) {
            (false, false, false) | (false, true, false) => 0,
            (true, true, _) => 90,
            (false, _, true) => 180,
            (true, false, _) => 270,
        }
    }

    /// The picture upright. 4:2:2 turned by a quarter becomes 4:4:4 (each chroma sample doubled), because
    /// chroma halved vertically has no format. Chroma that was sited left stays marked so only when the
    /// columns keep their order; otherwise the nearest marking, between columns, is at most a quarter of a
    /// chroma sample off.
    pub fn upright(self, picture: Picture) -> Picture {
        if self == Orientation::default() {
            return picture;
        }
        let picture = if self.transpose { widen_422(picture) } else { picture };
        let (width, height) = (picture.width(), picture.height());
        let format = picture.format();
        let planes = [0, 1, 2].map(|p| {
            let (w, h) = format.plane_size(p, width, height);
            match &picture.planes()[p] {
                Plane::U8(samples) => Plane::U8(self.turn(samples, w, h)),
                Plane::U16(samples) => Plane::U16(self.turn(samples, w, h)),
            }
        });
        let colour = ColourSpec {
            chroma_left: picture.colour().chroma_left && !self.transpose && !self.flip_x,
            ..picture.colour()
        };
        let (width, height) = if self.transpose { (height, width) } else { (width, height) };
        Picture::new(format, width, height, colour, planes).unwrap_or(picture)
    }

    fn turn<T: Copy>(self, samples: &[T], width: usize, height: usize) -> Vec<T> {
        let (out_width, out_height) = if self.transpose { (height, width) } else { (width, height) };
        let mut out = Vec::with_capacity(samples.len());
        for y in 0..out_height {
            let y = if self.flip_y { out_height - 1 - y } else { y };
            for x in 0..out_width {
                let x = if self.flip_x { out_width - 1 - x } else { x };
                out.push(if self.transpose { samples[x * width + y] } else { samples[y * width + x] });
            }
        }
        out
    }
}

fn widen_422(picture: Picture) -> Picture {
    if picture.format().chroma != Chroma::C422 {
        return picture;
    }
    let (width, height) = (picture.width(), picture.height());
    let half = width.div_ceil(2);
    fn double<T: Copy>(samples: &[T], half: usize, width: usize) -> Vec<T> {
        samples.chunks_exact(half).flat_map(|row| (0..width).map(|x| row[x / 2])).collect()
    }
    let planes = [0, 1, 2].map(|p| match &picture.planes()[p] {
        plane if p == 0 => plane.clone(),
        Plane::U8(samples) => Plane::U8(double(samples, half, width)),
        Plane::U16(samples) => Plane::U16(double(samples, half, width)),
    });
    let format = PixelFormat { chroma: Chroma::C444, ..picture.format() };
    Picture::new(format, width, height, picture.colour(), planes).unwrap_or(picture)
}
