//! The kinds of film that can be written: one row each.

use lipsmith_base::{Chroma, PixelFormat};

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// For viewing anywhere: H.264 at a high quality, AAC.
    H264Mp4,
    /// The same, smaller: HEVC, AAC.
    HevcMp4,
    /// For editing: ProRes 422 HQ, 10 bit, PCM.
    ProresMov,
    /// Lossless: FFV1, FLAC.
    Ffv1Mkv,
    /// Open formats for the web: VP9, Opus.
    Vp9Webm,
}

/// How a profile is made. Options are set as text, as `gst-launch` takes them.
pub(crate) struct Recipe {
    pub profile: Profile,
    pub name: &'static str,
    pub extension: &'static str,
    pub video: Encoder,
    pub audio: Encoder,
    /// For more than two channels, where `audio` cannot carry them.
    pub surround: Option<Encoder>,
    pub muxer: &'static str,
    /// The container counts time in ticks whose number can be chosen.
    pub ticks: Ticks,
}

pub(crate) struct Encoder {
    pub element: &'static str,
    pub options: &'static [(&'static str, &'static str)],
    /// Set besides for variable rates: an MP4 tells lengths in decoding order, so that has to be the order of showing.
    pub in_order: &'static [(&'static str, &'static str)],
    pub parser: Option<&'static str>,
    /// Format of raw samples in front of it; empty = any.
    pub sample_format: &'static str,
    /// Samples by which its output lies late in the container.
    pub priming: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ticks {
    /// Any number a second.
    Free,
    /// Powers of ten of a nanosecond, a millisecond as a rule.
    Decimal,
}

const AAC: Encoder = Encoder {
    element: "avenc_aac",
    options: &[("bitrate", "256000")],
    in_order: &[],
    parser: Some("aacparse"),
    sample_format: "",
    // Measured (GStreamer 1.22): mp4mux writes no edit for the encoder's first, empty, packet.
    priming: 1024,
};

pub(crate) static RECIPES: [Recipe; 5] = [
    Recipe {
        profile: Profile::H264Mp4,
        name: "h264-mp4",
        extension: "mp4",
        video: Encoder {
            element: "x264enc",
            options: &[
                ("pass", "qual"),
                ("quantizer", "16"),
                ("speed-preset", "fast"),
                ("key-int-max", "60"),
            ],
            in_order: &[("bframes", "0")],
            parser: Some("h264parse"),
            sample_format: "",
            priming: 0,
        },
        audio: AAC,
        surround: None,
        muxer: "mp4mux",
        ticks: Ticks::Free,
    },
    Recipe {
        profile: Profile::HevcMp4,
        name: "hevc-mp4",
        extension: "mp4",
        video: Encoder {
            element: "x265enc",
            options: &[
                ("option-string", "crf=16:log-level=none"),
                ("log-level", "none"),
                ("speed-preset", "fast"),
                ("key-int-max", "60"),
            ],
            in_order: &[("option-string", "crf=16:log-level=none:bframes=0")],
            parser: Some("h265parse"),
            sample_format: "",
            priming: 0,
        },
        audio: AAC,
        surround: None,
        muxer: "mp4mux",
        ticks: Ticks::Free,
    },
    Recipe {
        profile: Profile::ProresMov,
        name: "prores-mov",
        extension: "mov",
        video: Encoder {
            element: "avenc_prores_ks",
            options: &[("profile", "hq"), ("vendor", "apl0"), ("threads", "auto")],
            in_order: &[],
            parser: None,
            sample_format: "",
            priming: 0,
        },
        audio: Encoder {
            element: "identity",
            options: &[],
            in_order: &[],
            parser: None,
            sample_format: "S24LE",
            priming: 0,
        },
        // qtmux (GStreamer 1.22) writes PCM of more than two channels as if there were two.
        surround: Some(AAC),
        muxer: "qtmux",
        ticks: Ticks::Free,
    },
    Recipe {
        profile: Profile::Ffv1Mkv,
        name: "ffv1-mkv",
        extension: "mkv",
        video: Encoder {
            element: "avenc_ffv1",
            options: &[("threads", "auto")],
            in_order: &[],
            parser: None,
            sample_format: "",
            priming: 0,
        },
        audio: Encoder {
            element: "flacenc",
            options: &[],
            in_order: &[],
            parser: Some("flacparse"),
            sample_format: "S24_32LE",
            priming: 0,
        },
        surround: None,
        muxer: "matroskamux",
        ticks: Ticks::Decimal,
    },
    Recipe {
        profile: Profile::Vp9Webm,
        name: "vp9-webm",
        extension: "webm",
        video: Encoder {
            element: "vp9enc",
            options: &[
                ("end-usage", "cq"),
                ("cq-level", "16"),
                // By picture size. Asked for so much that it never binds, libvpx was seen to drop frames.
                ("target-bitrate", "0"),
                ("deadline", "1"),
                ("cpu-used", "4"),
                ("row-mt", "true"),
                ("threads", "8"),
                ("keyframe-max-dist", "60"),
            ],
            in_order: &[],
            parser: None,
            sample_format: "",
            priming: 0,
        },
        audio: Encoder {
            element: "opusenc",
            options: &[("bitrate", "192000")],
            in_order: &[],
            parser: Some("opusparse"),
            sample_format: "",
            priming: 0,
        },
        surround: None,
        muxer: "webmmux",
        ticks: Ticks::Decimal,
    },
];

/// Every profile, the default first.
pub static PROFILES: [Profile; 5] =
    [Profile::H264Mp4, Profile::HevcMp4, Profile::ProresMov, Profile::Ffv1Mkv, Profile::Vp9Webm];

impl Profile {
    /// `h264-mp4`, `hevc-mp4`, `prores-mov`, `ffv1-mkv`, `vp9-webm`.
    pub fn name(self) -> &'static str {
        self.recipe().name
    }

    /// The usual end of a file's name, without the dot.
    pub fn extension(self) -> &'static str {
        self.recipe().extension
    }

    pub fn from_name(name: &str) -> Option<Profile> {
        PROFILES.into_iter().find(|profile| profile.name() == name)
    }

    /// The format in which pictures of `format` are written: itself where the profile carries it, otherwise
    /// the nearest that players and editors of that profile read. H.264, HEVC: 4:2:0 and 4:2:2, 8 and 10 bit;
    /// ProRes: 4:2:2 10 bit; FFV1: all up to 12 bit; VP9: 4:2:0, 8 and 10 bit.
    pub fn accepted_format(self, format: PixelFormat) -> PixelFormat {
        let depth = |choices: [u8; 3]| {
            choices.into_iter().find(|choice| *choice >= format.depth).unwrap_or(choices[2])
        };
        let chroma = match (self, format.chroma) {
            (Profile::Ffv1Mkv, chroma) => chroma,
            (Profile::ProresMov, _) => Chroma::C422,
            (Profile::H264Mp4 | Profile::HevcMp4, Chroma::C422) => Chroma::C422,
            _ => Chroma::C420,
        };
        let depth = match self {
            Profile::Ffv1Mkv => depth([8, 10, 12]),
            Profile::ProresMov => 10,
            _ => depth([8, 10, 10]),
        };
        PixelFormat { chroma, depth }
    }

    pub(crate) fn recipe(self) -> &'static Recipe {
        RECIPES.iter().find(|recipe| recipe.profile == self).unwrap_or(&RECIPES[0])
    }
}
