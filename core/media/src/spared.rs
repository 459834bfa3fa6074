//! Compressed pictures that no other picture is decoded from: on the way to a later one they need not be decoded at
//! all. In the usual patterns of B pictures that is half of a film and more.

use gstreamer as gst;

/// Whether the access unit `bytes` of a stream with `caps` is a picture that no other refers to. Where that is not
/// known for certain, it is not.
pub(crate) fn spared(caps: &gst::StructureRef, bytes: &[u8]) -> bool {
    match caps.name().as_str() {
        "video/x-h264" => Framing::of(caps, 4).is_some_and(|framing| h264(framing, bytes)),
        "video/x-h265" => h265(caps, bytes),
        "video/mpeg" if caps.get::<i32>("mpegversion").is_ok_and(|version| version <= 2) => mpeg2(bytes),
        _ => false,
    }
}

/// How the parts of an access unit are told from each other.
#[derive(Clone, Copy)]
enum Framing {
    /// Each follows its own length, a number of so many bytes.
    Lengths(usize),
    /// Each follows a start code.
    StartCodes,
}

impl Framing {
    /// `size_at`: where the codec data say how long a length is. `None` where nobody says how the parts are told apart:
    /// lengths may look like start codes.
    fn of(caps: &gst::StructureRef, size_at: usize) -> Option<Framing> {
        if caps.get::<&str>("stream-format").ok()? == "byte-stream" {
            return Some(Framing::StartCodes);
        }
        Some(Framing::Lengths(usize::from(codec_byte(caps, size_at)? & 3) + 1))
    }

    /// The units in their order; what is cut off ends them.
    fn units(self, mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
        std::iter::from_fn(move || {
            let unit = match self {
                Framing::Lengths(size) => {
                    let (length, rest) = bytes.split_at_checked(size)?;
                    let length = length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                    let (unit, rest) = rest.split_at_checked(length)?;
                    bytes = rest;
                    unit
                }
                Framing::StartCodes => {
                    let unit = &bytes[start_code(bytes)? + 3..];
                    bytes = unit;
                    &unit[..start_code(unit).unwrap_or(unit.len())]
                }
            };
            Some(unit)
        })
    }
}

fn start_code(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|three| three == [0, 0, 1])
}

fn codec_byte(caps: &gst::StructureRef, at: usize) -> Option<u8> {
    let data = caps.get::<gst::Buffer>("codec_data").ok()?;
    data.map_readable().ok()?.get(at).copied()
}

/// All that `units` say of their slices is that nothing refers to them: `Some(true)` a slice of that kind, `None` no
/// slice.
fn all_spared(units: impl Iterator<Item = Option<bool>>) -> bool {
    let mut slices = units.flatten().peekable();
    slices.peek().is_some() && slices.all(|spared| spared)
}

/// ITU-T H.264, 7.3.1: `nal_ref_idc` and `nal_unit_type`.
fn h264(framing: Framing, bytes: &[u8]) -> bool {
    all_spared(framing.units(bytes).map(|unit| {
        let header = *unit.first()?;
        (1..=5).contains(&(header & 31)).then_some(header >> 5 & 3 == 0)
    }))
}

/// ITU-T H.265, 7.4.2.2: the even types below 16 are not referred to by their own temporal layer; who stands in the
/// topmost layer is referred to by nobody. ISO/IEC 14496-15, 8.3.3.1: how many layers there are.
fn h265(caps: &gst::StructureRef, bytes: &[u8]) -> bool {
    const LENGTHS_AND_LAYERS: usize = 21;
    let Some(layers) = codec_byte(caps, LENGTHS_AND_LAYERS).map(|byte| byte >> 3 & 7) else { return false };
    let Some(framing) = Framing::of(caps, LENGTHS_AND_LAYERS) else { return false };
    all_spared(framing.units(bytes).map(|unit| {
        let (kind, layer) = (unit.first()? >> 1 & 63, unit.get(1)? & 7);
        (kind < 32).then_some(kind < 16 && kind % 2 == 0 && layers > 0 && layer >= layers)
    }))
}

/// ISO/IEC 13818-2, 6.2.3: `picture_coding_type` 3 is a B picture, which is never referred to.
fn mpeg2(bytes: &[u8]) -> bool {
    all_spared(Framing::StartCodes.units(bytes).map(|unit| {
        let kind = unit.get(2)? >> 3 & 7;
        (unit[0] == 0).then_some(kind == 3)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(name: &str, format: &str, codec_data: &[u8]) -> gst::Structure {
        let data = gst::Buffer::from_slice(codec_data.to_vec());
        gst::Structure::builder(name).field("stream-format", format).field("codec_data", data).build()
    }

    #[test]
    fn h264_pictures_are_spared_when_every_slice_says_so() {
        gst::init().expect("GStreamer");
        let caps = caps("video/x-h264", "avc", &[1, 0x64, 0, 31, 0xff]);
        let unit = |header: u8| [&[0, 0, 0, 2, header][..], &[0x80]].concat();
        let (delimiter, spared_slice, kept_slice) = (unit(0x09), unit(0x01), unit(0x41));
        assert!(spared(&caps, &[&delimiter[..], &spared_slice, &spared_slice].concat()));
        assert!(!spared(&caps, &[&delimiter[..], &spared_slice, &kept_slice].concat()));
        assert!(!spared(&caps, &delimiter), "no picture at all");
        assert!(!spared(&caps, &[0, 0, 0, 9, 1]), "cut off");
        let unsaid = gst::Structure::new_empty("video/x-h264");
        assert!(!spared(&unsaid, &spared_slice), "nobody says how slices are told apart");
        let in_bytes = gst::Structure::builder("video/x-h264").field("stream-format", "byte-stream").build();
        assert!(spared(&in_bytes, &[0, 0, 0, 1, 0x09, 0x10, 0, 0, 1, 0x01, 0x80]));
        assert!(!spared(&in_bytes, &[0, 0, 0, 1, 0x09, 0x10, 0, 0, 1, 0x65, 0x80]));
    }

    #[test]
    fn h265_pictures_are_spared_in_the_topmost_layer_only() {
        gst::init().expect("GStreamer");
        let layered = |layers: u8| {
            let mut data = [0; 23];
            data[21] = layers << 3 | 3;
            caps("video/x-h265", "hvc1", &data)
        };
        let unit = |kind: u8, layer: u8| [0, 0, 0, 2, kind << 1, layer + 1];
        assert!(spared(&layered(1), &unit(0, 0)));
        assert!(!spared(&layered(1), &unit(1, 0)), "TRAIL_R is referred to");
        assert!(!spared(&layered(1), &unit(19, 0)), "a picture to enter at");
        assert!(!spared(&layered(2), &unit(0, 0)), "the layer above may refer to it");
        assert!(spared(&layered(2), &unit(0, 1)));
        assert!(!spared(&layered(0), &unit(0, 0)), "nobody says how many layers there are");
    }

    #[test]
    fn b_pictures_of_mpeg_2_are_spared() {
        gst::init().expect("GStreamer");
        let caps = gst::Structure::builder("video/mpeg").field("mpegversion", 2i32).build();
        let picture = |kind: u8| [0, 0, 1, 0, 0, kind << 3, 0xff, 0xf8, 0, 0, 1, 1, 0x22];
        assert!(spared(&caps, &picture(3)));
        assert!(!spared(&caps, &picture(1)) && !spared(&caps, &picture(2)));
    }
}
