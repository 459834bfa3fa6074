//! GStreamer's raw video ↔ [`Picture`]: samples are moved, never computed, so both ways are lossless.

use gstreamer as gst;
use gstreamer_video as gst_video;
use lipsmith_base::{Chroma, ColourSpec, Matrix, Picture, PixelFormat, Plane};

/// The layouts that [`picture`] can take apart: every component a byte or a little-endian 16-bit word of its own. Not
/// VYUY: GStreamer's description of it and its converter disagree about which chroma comes first.
const READABLE: [&str; 47] = [
    "I420",
    "YV12",
    "Y42B",
    "Y444",
    "NV12",
    "NV21",
    "NV16",
    "NV61",
    "NV24",
    "YUY2",
    "UYVY",
    "YVYU",
    "AYUV",
    "A420",
    "GRAY8",
    "GBR",
    "GBRA",
    "RGB",
    "BGR",
    "RGBx",
    "BGRx",
    "xRGB",
    "xBGR",
    "RGBA",
    "BGRA",
    "ARGB",
    "ABGR",
    "I420_10LE",
    "I422_10LE",
    "Y444_10LE",
    "GBR_10LE",
    "GBRA_10LE",
    "A420_10LE",
    "A422_10LE",
    "A444_10LE",
    "P010_10LE",
    "I420_12LE",
    "I422_12LE",
    "Y444_12LE",
    "GBR_12LE",
    "GBRA_12LE",
    "P012_LE",
    "P016_LE",
    "Y444_16LE",
    "GRAY16_LE",
    "ARGB64",
    "RGBA64_LE",
];

/// What an appsink accepts; anything else is converted by GStreamer in front of it.
pub(crate) fn readable_caps() -> gst::Caps {
    gst::Caps::builder("video/x-raw").field("format", gst::List::new(READABLE)).build()
}

/// The format that `info`'s samples have as a [`Picture`]; grey gets neutral chroma, alpha is left out.
pub(crate) fn format_of(info: &gst_video::VideoInfo) -> PixelFormat {
    let format = info.format_info();
    let chroma = if format.is_rgb() {
        Chroma::Gbr
    } else if format.is_gray() {
        Chroma::C420
    } else {
        match (format.w_sub()[1], format.h_sub()[1]) {
            (0, 0) => Chroma::C444,
            (_, 0) => Chroma::C422,
            _ => Chroma::C420,
        }
    };
    PixelFormat { chroma, depth: format.depth()[0] as u8 }
}

/// The GStreamer layout in which a [`Picture`] of `format` is handed to an encoder; `None` when GStreamer has none.
pub(crate) fn layout_of(format: PixelFormat) -> Option<gst_video::VideoFormat> {
    use gst_video::VideoFormat as F;
    Some(match (format.chroma, format.depth) {
        (Chroma::C420, 8) => F::I420,
        (Chroma::C422, 8) => F::Y42b,
        (Chroma::C444, 8) => F::Y444,
        (Chroma::Gbr, 8) => F::Gbr,
        (Chroma::C420, 10) => F::I42010le,
        (Chroma::C422, 10) => F::I42210le,
        (Chroma::C444, 10) => F::Y44410le,
        (Chroma::Gbr, 10) => F::Gbr10le,
        (Chroma::C420, 12) => F::I42012le,
        (Chroma::C422, 12) => F::I42212le,
        (Chroma::C444, 12) => F::Y44412le,
        (Chroma::Gbr, 12) => F::Gbr12le,
        (Chroma::C420, 16) => F::P016Le,
        (Chroma::C444, 16) => F::Y44416le,
        (Chroma::Gbr, 16) => F::Argb64Le,
        _ => return None,
    })
}

/// What the samples mean, from the caps; `jpeg` and `mpeg1` are the two codecs whose unwritten rules differ.
/// When the file does not say, the field's guess: BT.601 up to 576 lines, BT.709 above.
pub(crate) fn colour_of(caps: &gst::CapsRef, info: &gst_video::VideoInfo, codec: &str) -> ColourSpec {
    use gst_video::{VideoColorMatrix as M, VideoColorRange as R};
    let said = caps.structure(0).is_some_and(|s| s.has_field("colorimetry"));
    let colorimetry = info.colorimetry();
    let jpeg = codec == "image/jpeg";
    let rgb = info.is_rgb();
    let matrix = match colorimetry.matrix() {
        M::Bt709 if said => Matrix::Bt709,
        M::Bt2020 if said => Matrix::Bt2020,
        M::Bt601 | M::Fcc if said => Matrix::Bt601,
        _ if rgb => Matrix::Bt709,
        _ if jpeg || info.height() <= 576 => Matrix::Bt601,
        _ => Matrix::Bt709,
    };
    let full_range = match colorimetry.range() {
        R::Range0_255 if said => true,
        R::Range16_235 if said => false,
        _ => rgb || jpeg || info.is_gray(),
    };
    let code = |iso: u32| u8::try_from(iso).ok().filter(|_| said).unwrap_or(2);
    let mut spec = ColourSpec {
        matrix,
        full_range,
        transfer: code(colorimetry.transfer().to_iso()),
        primaries: code(colorimetry.primaries().to_iso()),
        chroma_left: !rgb && !jpeg && !codec.starts_with("video/mpeg1"),
    };
    if let Some(site) = caps.structure(0).and_then(|s| s.get::<&str>("chroma-site").ok()) {
        spec.chroma_left = site != "jpeg" && site != "none" && !rgb;
    }
    spec
}

/// `colour` as the `colorimetry` of caps.
pub(crate) fn colorimetry(format: PixelFormat, colour: ColourSpec) -> gst_video::VideoColorimetry {
    use gst_video::{
        VideoColorMatrix as M, VideoColorPrimaries, VideoColorRange as R, VideoTransferFunction,
    };
    let range = if colour.full_range { R::Range0_255 } else { R::Range16_235 };
    let matrix = match (format.chroma, colour.matrix) {
        (Chroma::Gbr, _) => M::Rgb,
        (_, Matrix::Bt601) => M::Bt601,
        (_, Matrix::Bt709) => M::Bt709,
        (_, Matrix::Bt2020) => M::Bt2020,
    };
    let transfer = VideoTransferFunction::from_iso(u32::from(colour.transfer));
    let primaries = VideoColorPrimaries::from_iso(u32::from(colour.primaries));
    gst_video::VideoColorimetry::new(range, matrix, transfer, primaries)
}

/// Which GStreamer component is plane 0, 1, 2 of a picture (GStreamer counts R, G, B; a picture G, B, R).
fn components(format: PixelFormat) -> [u8; 3] {
    if format.chroma == Chroma::Gbr { [1, 2, 0] } else { [0, 1, 2] }
}

/// Where the samples of one component lie in a buffer: byte offset, and bytes from row to row and sample to sample.
struct Lie {
    offset: usize,
    stride: usize,
    step: usize,
    shift: u32,
}

fn lie(info: &gst_video::VideoInfo, strides: &[i32], offsets: &[usize], component: u8) -> Option<Lie> {
    let format = info.format_info();
    let c = usize::from(component);
    let plane = format.plane()[c] as usize;
    // Of P010 and its like GStreamer counts the second chroma's place in samples, of all others in bytes.
    let size = if format.depth()[c] > 8 { 2 } else { 1 };
    let within = usize::try_from(format.poffset()[c]).ok()?.next_multiple_of(size);
    Some(Lie {
        offset: offsets.get(plane)?.checked_add(within)?,
        stride: usize::try_from(*strides.get(plane)?).ok()?,
        step: usize::try_from(format.pixel_stride()[c]).ok()?,
        shift: format.shift()[c],
    })
}

/// The picture in `buffer`; `None` when the buffer is smaller than its caps say.
pub(crate) fn picture(
    buffer: &gst::BufferRef,
    info: &gst_video::VideoInfo,
    colour: ColourSpec,
) -> Option<Picture> {
    let format = format_of(info);
    let (width, height) = (info.width() as usize, info.height() as usize);
    let meta = buffer.meta::<gst_video::VideoMeta>();
    let (strides, offsets) = match &meta {
        Some(meta) => (meta.stride(), meta.offset()),
        None => (info.stride(), info.offset()),
    };
    let map = buffer.map_readable().ok()?;
    let data = map.as_slice();
    let grey = info.is_gray();
    let plane = |p: usize| -> Option<Plane> {
        let (w, h) = format.plane_size(p, width, height);
        if grey && p > 0 {
            return Some(constant(format.depth, w * h));
        }
        let lie = lie(info, strides, offsets, components(format)[p])?;
        gather(data, &lie, w, h, format.depth == 8)
    };
    let planes = [plane(0)?, plane(1)?, plane(2)?];
    Picture::new(format, width, height, colour, planes).ok()
}

/// Zero chroma.
fn constant(depth: u8, len: usize) -> Plane {
    if depth == 8 { Plane::U8(vec![128; len]) } else { Plane::U16(vec![1 << (depth - 1); len]) }
}

fn gather(data: &[u8], lie: &Lie, width: usize, height: usize, bytes: bool) -> Option<Plane> {
    let size = if bytes { 1 } else { 2 };
    let row_bytes = (width - 1) * lie.step + size;
    let rows = (0..height).map(|y| {
        let start = lie.offset + y * lie.stride;
        data.get(start..start + row_bytes)
    });
    Some(if bytes {
        let mut out = Vec::with_capacity(width * height);
        for row in rows {
            let row = row?;
            if lie.step == 1 { out.extend_from_slice(row) } else { out.extend(row.iter().step_by(lie.step)) }
        }
        Plane::U8(out)
    } else {
        let mut out = Vec::with_capacity(width * height);
        for row in rows {
            let word = |pair: &[u8]| u16::from_le_bytes([pair[0], pair[1]]) >> lie.shift;
            if lie.step == 2 {
                out.extend(row?.chunks_exact(2).map(word));
            } else {
                out.extend(row?.chunks(lie.step).map(word));
            }
        }
        Plane::U16(out)
    })
}

/// A buffer with the picture's samples in `info`'s layout (whose format is [`layout_of`] the picture's).
pub(crate) fn buffer(picture: &Picture, info: &gst_video::VideoInfo) -> Option<gst::Buffer> {
    let format = picture.format();
    let mut buffer = gst::Buffer::with_size(info.size()).ok()?;
    {
        let mut map = buffer.get_mut()?.map_writable().ok()?;
        let data = map.as_mut_slice();
        for p in 0..3 {
            let (w, h) = format.plane_size(p, picture.width(), picture.height());
            let lie = lie(info, info.stride(), info.offset(), components(format)[p])?;
            scatter(&picture.planes()[p], data, &lie, w, h)?;
        }
    }
    Some(buffer)
}

fn scatter(plane: &Plane, data: &mut [u8], lie: &Lie, width: usize, height: usize) -> Option<()> {
    for y in 0..height {
        let row = data.get_mut(lie.offset + y * lie.stride..)?;
        match plane {
            Plane::U8(samples) => {
                let samples = &samples[y * width..(y + 1) * width];
                if lie.step == 1 {
                    row.get_mut(..width)?.copy_from_slice(samples);
                } else {
                    row.iter_mut().step_by(lie.step).zip(samples).for_each(|(out, sample)| *out = *sample);
                }
            }
            Plane::U16(samples) => {
                let samples = &samples[y * width..(y + 1) * width];
                for (out, sample) in row.chunks_mut(lie.step).zip(samples) {
                    out.get_mut(..2)?.copy_from_slice(&(sample << lie.shift).to_le_bytes());
                }
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;

    /// `drawn` in `layout`, moved there by GStreamer's own converter.
    fn converted(drawn: &Picture, layout: gst_video::VideoFormat) -> (gst::Buffer, gst_video::VideoInfo) {
        let (width, height) = (drawn.width() as u32, drawn.height() as u32);
        let info = |format| gst_video::VideoInfo::builder(format, width, height).build().expect("an info");
        let planar = info(layout_of(drawn.format()).expect("a layout"));
        let source = buffer(drawn, &planar).expect("a buffer");
        let target = info(layout);
        let made = gst::Buffer::with_size(target.size()).expect("memory");
        let source = gst_video::VideoFrame::from_buffer_readable(source, &planar).expect("mapped");
        let mut frame = gst_video::VideoFrame::from_buffer_writable(made, &target).expect("mapped");
        let mut exactly = gst_video::VideoConverterConfig::new();
        exactly.set_dither_method(gst_video::VideoDitherMethod::None);
        let converter = gst_video::VideoConverter::new(&planar, &target, Some(exactly));
        let converter = converter.expect("a converter");
        converter.frame(&source, &mut frame);
        (frame.into_buffer(), target)
    }

    #[test]
    fn every_layout_of_a_format_holds_the_same_samples() {
        use gst_video::VideoFormat as F;
        gst::init().expect("GStreamer");
        let layouts: [(Chroma, u8, &[F]); 7] = [
            (Chroma::C420, 8, &[F::I420, F::Yv12, F::Nv12, F::Nv21]),
            (Chroma::C422, 8, &[F::Y42b, F::Nv16, F::Nv61, F::Yuy2, F::Uyvy, F::Yvyu]),
            (Chroma::C444, 8, &[F::Y444, F::Nv24, F::Ayuv]),
            (Chroma::C420, 10, &[F::I42010le, F::P01010le]),
            (Chroma::C420, 12, &[F::I42012le, F::P012Le]),
            (Chroma::C422, 10, &[F::I42210le]),
            (Chroma::Gbr, 8, &[F::Gbr, F::Rgb, F::Bgr, F::Rgbx, F::Bgrx, F::Xrgb, F::Xbgr, F::Rgba, F::Argb]),
        ];
        for (chroma, depth, layouts) in layouts {
            let format = PixelFormat { chroma, depth };
            let colour = if chroma == Chroma::Gbr { ColourSpec::SRGB } else { ColourSpec::BT709 };
            let drawn = synthetic::picture(0b1011, 70, 34, format, colour).expect("a picture");
            for &layout in layouts {
                let (buffer, info) = converted(&drawn, layout);
                let read = picture(&buffer, &info, colour).expect("a picture");
                assert_eq!(read.format(), format, "{layout:?}");
                assert!(read.planes() == drawn.planes(), "{layout:?}");
            }
        }
    }
}
