//! Foreign formats: what is written is read back, what others write is read, what is broken is refused in words.

use crate::sketch::{draw, f, span};
use lipsmith_base::{FrameRate, Time, TimeRange};
use lipsmith_project::edit::{ClipEdit, CueEdit, Ripple, ScriptLine};
use lipsmith_project::interchange::{FORMATS, Format};
use lipsmith_project::{Cue, Edit, Project};
use proptest::prelude::*;

fn format(extension: &str) -> &'static Format {
    Format::by_extension(extension).expect("a format")
}

fn empty() -> Project {
    let hour = Edit::Labels { rate: FrameRate::FPS_25, drop_frame: false, start: f(25 * 3600) };
    hour.apply(&Project::new("Reel 1", FrameRate::FPS_25)).expect("sound")
}

/// The lines that reading a text adds, as (in, out, speaker, text) with times in frames.
fn lines(extension: &str, text: &[u8]) -> Vec<(i64, i64, String, String)> {
    let project = empty();
    let edit = (format(extension).read)(&project, text).unwrap_or_else(|e| panic!("{e}"));
    let project = edit.apply(&project).expect("sound");
    let frame = |time| FrameRate::FPS_25.frame_at(time);
    let cues = project.cues_in(TimeRange::new(Time::ZERO, Time::MAX));
    let name = |id| project.characters[&id].name.clone();
    let row = |cue: &Cue| {
        let speaker = cue.character.map(name).unwrap_or_default();
        (frame(cue.range.start()), frame(cue.range.end()), speaker, cue.text.clone())
    };
    cues.into_iter().map(|(_, cue)| row(cue)).collect()
}

fn row(start: i64, end: i64, speaker: &str, text: &str) -> (i64, i64, String, String) {
    (start, end, speaker.into(), text.into())
}

#[test]
fn untidy_subrip_is_read() {
    let text = "\u{feff}1\r\n00:00:01,000 --> 00:00:02,000\r\nMIA: <i>Who's</i> there?\r\n{\\an8}It's 3 < 4.\r\n\r\n\
                00:00:02.5 --> 00:00:03.200  X1:40 X2:600\r\nNo: one.\r\n3\r\n00:03,200-->00:04,000\r\nmia says: no\r\n\
                4\r\n00:00:05,000 --> 00:00:06,000\r\n\r\n";
    assert_eq!(
        lines("srt", text.as_bytes()),
        [
            row(25, 50, "MIA", "Who's there?\nIt's 3 < 4."),
            row(63, 80, "", "No: one."),
            row(80, 100, "", "mia says: no"),
            row(125, 150, "", ""),
        ]
    );
    let latin = b"1\n00:00:01,000 --> 00:00:02,000\nGr\xfc\xdfe \x96 \x84ja\x93\n";
    assert_eq!(lines("srt", latin), [row(25, 50, "", "Grüße – „ja“")]);
    let wide: Vec<u8> =
        "\u{feff}00:01,0 --> 00:02,0\nПривет".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(lines("srt", &wide), [row(25, 50, "", "Привет")]);
}

#[test]
fn web_vtt_is_read() {
    let text = "WEBVTT - a title\n\nSTYLE\n::cue { color: red }\n\nNOTE no --- arrow\n\nintro\n00:01.000 --> 00:02.000 align:left\n\
                <v.loud Mia K.>Tom &amp; <b>Jerry</b> &lt;3\n\n01:00:00.000 --> 01:00:00.040\nplain\nsecond row";
    assert_eq!(
        lines("vtt", text.as_bytes()),
        [row(25, 50, "Mia K.", "Tom & Jerry <3"), row(90_000, 90_001, "", "plain\nsecond row"),]
    );
}

#[test]
fn dialogue_lists_are_read() {
    let text = "No;TC In;TC Out;Character;Dialogue\r\n1;01:00:01:00;01:00:02:00;Mia;\"Yes; \"\"no\"\"\r\nmaybe\"\r\n;;;;\r\n\
                2;3s;4.2s;;Off\n3;00:00:05.500;00:00:06,000;MIA;Last";
    assert_eq!(
        lines("csv", text.as_bytes()),
        [row(25, 50, "Mia", "Yes; \"no\"\nmaybe"), row(75, 105, "", "Off"), row(138, 150, "Mia", "Last"),]
    );
}

#[test]
fn the_cut_goes_out_as_an_edit_list_and_comes_back() {
    let project = draw("V [a0--][b3-----]....[a8--]");
    let hour = Edit::Labels { rate: FrameRate::FPS_25, drop_frame: false, start: f(25 * 3600) };
    let project = hour.apply(&project).expect("sound");
    let list = String::from_utf8((format("edl").write)(&project)).expect("text");
    assert_eq!(
        list.replace("\r\n", "\n"),
        "\
TITLE: sketch
FCM: NON-DROP FRAME
001  A        V     C        00:00:00:00 00:00:00:06 01:00:00:00 01:00:00:06
* FROM CLIP NAME: a
002  B        V     C        00:00:00:03 00:00:00:12 01:00:00:06 01:00:00:15
* FROM CLIP NAME: b
003  A        V     C        00:00:00:08 00:00:00:14 01:00:00:19 01:00:01:00
* FROM CLIP NAME: a
"
    );
    let mut bare = project.clone();
    for clip in &project.sequence.picture.clips {
        let remove = ClipEdit::Remove { clip: clip.id, ripple: Ripple::Off };
        bare = Edit::from(remove).apply(&bare).expect("removed");
    }
    let back = (format("edl").read)(&bare, list.as_bytes()).expect("read").apply(&bare).expect("sound");
    let cut = |project: &Project| -> Vec<_> {
        project.sequence.picture.clips.iter().map(|clip| (clip.media, clip.start, clip.source)).collect()
    };
    assert_eq!(cut(&back), cut(&project));
}

#[test]
fn edit_lists_keep_drop_frame_time() {
    let ntsc = FrameRate::new(30_000, 1001).expect("a rate");
    let labels = Edit::Labels { rate: ntsc, drop_frame: true, start: ntsc.frame_start(107_892) };
    let project = labels.apply(&draw("V [a0--]")).expect("sound");
    let list = "TITLE: x\nFCM: DROP FRAME\n001  A  B  C  00:00:00;00 00:00:00;10 01:01:00;02 01:01:00;12\n";
    let back = (format("edl").read)(&project, list.as_bytes()).expect("read").apply(&project).expect("sound");
    assert_eq!(back.sequence.picture.clips[1].start, ntsc.frame_start(1800));
}

#[test]
fn broken_files_are_refused_with_their_line() {
    let project = draw("V [a0--]");
    for (extension, text, words) in [
        ("srt", "1\n00:00:01,000 --> soon\nHi", "line 2: 'soon' is no time"),
        ("srt", "00:00:02,000 --> 00:00:01,000\nHi", "line 1: it ends"),
        ("srt", "just text", "nothing to import"),
        ("srt", "", "nothing to import"),
        ("vtt", "00:01.000 --> 00:02.000\nHi", "line 1: a WebVTT file begins"),
        ("vtt", "WEBVTT\n\n00:61.000 --> 00:02.000\nHi", "line 3: '00:61.000' is no time"),
        ("csv", "in,out\n1,2", "line 1: no column is called text"),
        ("csv", "in,out,text\n0,10,a\n\n00:00:00:30,60,b", "line 4: '00:00:00:30' is not a timecode"),
        ("csv", "in,out,text\n0,10,\"a", "line 2: a quotation mark is never closed"),
        ("csv", "", "the table has no rows"),
        ("edl", "001 A V D 010 00:00:00:00 00:00:00:01 00:00:00:00 00:00:00:01", "line 1: the transition D"),
        (
            "edl",
            "001 A V C 00:00:00:00 00:00:00:02 00:00:00:00 00:00:00:01",
            "line 1: source and record differ",
        ),
        ("edl", "001 A V C 00:00:00:00 00:00:00:02", "line 1: 2 timecodes"),
        (
            "edl",
            "001 Q V C 00:00:00:00 00:00:00:02 00:00:00:00 00:00:00:02",
            "no film in the media pool is called 'Q'",
        ),
        ("edl", "001", "line 1: an event has"),
        ("edl", "TITLE: nothing", "nothing to import"),
        ("srt", "a\0b", "not text"),
    ] {
        let error = (format(extension).read)(&project, text.as_bytes()).expect_err(words).to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
}

/// Dialogue that every format must carry: any text of printable rows, times in whole frames, so in whole
/// milliseconds.
fn script() -> impl Strategy<Value = Vec<ScriptLine>> {
    let text = prop_oneof!["[a-zäöü ,;\"'&<!?0-9]{1,30}", "[A-Za-z]{1,9}\n[a-z&<]{1,9}"]
        .prop_map(|text| text.trim().to_string());
    let speaker = prop::option::of("[A-Z][A-Z0-9]{0,8}");
    let line = (1i64..50, 1i64..200, speaker, text)
        .prop_filter("a text", |(.., text)| text.contains(char::is_alphabetic));
    prop::collection::vec(line, 1..12).prop_map(|rows| {
        let mut at = 0;
        let mut line = |(gap, length, speaker, text): (i64, i64, Option<String>, String)| {
            let from = at + gap;
            at = from + length;
            ScriptLine { range: span(from, at), speaker, text }
        };
        rows.into_iter().map(&mut line).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(script in script()) {
        let project = Edit::from(CueEdit::Import(script)).apply(&empty()).expect("sound");
        for extension in ["csv", "srt", "vtt"] {
            let format = format(extension);
            let bytes = (format.write)(&project);
            let edit = (format.read)(&empty(), &bytes).expect("read back");
            let back = edit.apply(&empty()).expect("sound");
            prop_assert_eq!(&back.cues, &project.cues, "{}:\n{}", extension, String::from_utf8_lossy(&bytes));
            prop_assert_eq!(&back.characters, &project.characters);
        }
    }

    /// Any bytes: never a panic, and whatever is read can be applied or is refused.
    #[test]
    fn any_bytes_are_read_or_refused(
        noise in prop::collection::vec(any::<u8>(), 0..200),
        likely in "(WEBVTT\n|[0-9]{1,3}\n|[0-9]{2}:[0-9]{2}[,.:][0-9]{1,3} --> [0-9:,]{1,12}\n|in,out,text\n|[0-9:;]{1,11},[0-9s]{1,4},\"?x\"?\n|00[0-9] A V [CD] [0-9:; ]{1,50}\n|<v|[{}<>/a-z]{1,9}\n|\n){0,20}",
    ) {
        let project = empty();
        for format in FORMATS {
            for bytes in [noise.as_slice(), likely.as_bytes()] {
                match (format.read)(&project, bytes) {
                    Ok(edit) => drop(edit.apply(&project).map(|read| assert_eq!(read.check(), []))),
                    Err(error) => prop_assert!(!error.to_string().is_empty()),
                }
            }
        }
    }
}
