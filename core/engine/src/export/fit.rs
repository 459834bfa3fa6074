//! Films of different sizes in one: scaled to fit, black around.

use lipsmith_base::{Affine, Picture, Rect, Rgb};
use lipsmith_media::VideoSpec;

/// `picture`, whose pixels have the aspect `pixel_aspect`, as one that `spec` asks for; itself where it is that.
pub fn fit(picture: Picture, pixel_aspect: (u32, u32), spec: &VideoSpec) -> Picture {
    let (is, wants) = (picture.colour(), spec.colour);
    let same = (picture.width(), picture.height(), picture.format())
        == (spec.width, spec.height, spec.format)
        && (is.matrix, is.full_range) == (wants.matrix, wants.full_range)
        && ratio(pixel_aspect) == ratio(spec.pixel_aspect);
    if same {
        return picture;
    }
    let whole = (picture.width() as f32, picture.height() as f32);
    let wide = whole.0 * ratio(pixel_aspect) / ratio(spec.pixel_aspect);
    let scale = (spec.width as f32 / wide).min(spec.height as f32 / whole.1);
    let size = |length: f32, most: usize| ((length * scale).round() as usize).clamp(1, most);
    let (width, height) = (size(wide, spec.width), size(whole.1, spec.height));
    let to = Rect::new(0.0, 0.0, width as f32, height as f32);
    let map = Affine::rect_to_rect(to, Rect::new(0.0, 0.0, whole.0, whole.1));
    let image = picture.sample(map, width, height);
    let (left, top) = ((spec.width - width) / 2, (spec.height - height) / 2);
    let mut canvas = black(spec);
    canvas.composite(left as i32, top as i32, &image, &vec![1.0; width * height]);
    canvas
}

pub fn black(spec: &VideoSpec) -> Picture {
    Picture::from_rgb(&Rgb::black(spec.width, spec.height), spec.format, spec.colour)
}

fn ratio((width, height): (u32, u32)) -> f32 {
    width as f32 / height.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::{ColourSpec, FrameRate, PixelFormat};
    use lipsmith_media::Timing;

    fn spec(width: usize, height: usize) -> VideoSpec {
        let (format, colour) = (PixelFormat::I420, ColourSpec::BT709);
        let timing = Timing::constant(FrameRate::FPS_25);
        VideoSpec { width, height, format, colour, pixel_aspect: (1, 1), timing }
    }

    fn white(width: usize, height: usize) -> Picture {
        let mut image = Rgb::black(width, height);
        image.pixels_mut().fill([1.0; 3]);
        Picture::from_rgb(&image, PixelFormat::I420, ColourSpec::BT709)
    }

    /// First and last white pixel of the middle row and of the middle column.
    fn extent(picture: &Picture) -> [usize; 4] {
        let (width, height) = (picture.width(), picture.height());
        let image = picture.region(0, 0, width, height);
        let lit = |x: usize, y: usize| image.get(x, y)[1] > 0.5;
        let ends = |mut lit: Vec<usize>| [lit.first().copied(), lit.pop()].map(|end| end.expect("some"));
        let [left, right] = ends((0..width).filter(|&x| lit(x, height / 2)).collect());
        let [top, bottom] = ends((0..height).filter(|&y| lit(width / 2, y)).collect());
        [left, right, top, bottom]
    }

    #[test]
    fn smaller_and_larger_films_fill_what_they_can() {
        assert_eq!(extent(&fit(white(40, 40), (1, 1), &spec(160, 80))), [40, 119, 0, 79]);
        assert_eq!(extent(&fit(white(640, 160), (1, 1), &spec(160, 80))), [0, 159, 20, 59]);
        // Pixels twice as wide as high: 40 × 40 of them show 2 : 1.
        assert_eq!(extent(&fit(white(40, 40), (2, 1), &spec(160, 80))), [0, 159, 0, 79]);
    }

    #[test]
    fn what_fits_keeps_its_bits() {
        let picture = white(160, 80);
        assert_eq!(fit(picture.clone(), (1, 1), &spec(160, 80)), picture);
    }
}
