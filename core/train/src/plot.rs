//! Numbers as pictures, for people who look at a run in a file browser: a panel for each thing that is measured.

use crate::TrainError;
use crate::recipes::sheet::png;

type Ink = [u8; 3];

pub const BLUE: Ink = [96, 140, 200];
pub const ORANGE: Ink = [230, 120, 30];
const TEXT: Ink = [60, 60, 60];
const FRAME: Ink = [200, 200, 200];
const PAPER: Ink = [255, 255, 255];

pub struct Series {
    pub ink: Ink,
    pub points: Vec<[f64; 2]>,
    /// By a line; more points than pixels are averaged along it. Else dots.
    pub joined: bool,
}

pub struct Panel {
    pub title: String,
    pub series: Vec<Series>,
}

/// Pixels of the area of a panel, of the room around it for words, and panels in a row.
const WIDTH: usize = 300;
const HEIGHT: usize = 130;
const MARGIN: usize = 10;
const HEAD: usize = 30;
const FOOT: usize = 18;
const ROW: usize = 3;

/// A PNG; points that are no numbers are left out.
pub fn plot(panels: &[Panel]) -> Result<Vec<u8>, TrainError> {
    let (across, down) = (WIDTH + 2 * MARGIN, HEAD + HEIGHT + FOOT);
    let columns = panels.len().clamp(1, ROW);
    let mut sheet = Sheet::new(columns * across, panels.len().div_ceil(ROW).max(1) * down);
    for (i, panel) in panels.iter().enumerate() {
        sheet.panel(i % ROW * across + MARGIN, i / ROW * down + HEAD, panel);
    }
    png(sheet.width, sheet.height, &sheet.rgb).map_err(|e| TrainError::Format { cause: e.to_string() })
}

struct Sheet {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Sheet {
    fn new(width: usize, height: usize) -> Sheet {
        Sheet { width, height, rgb: PAPER.repeat(width * height) }
    }

    fn dot(&mut self, x: usize, y: usize, ink: Ink) {
        if x < self.width && y < self.height {
            self.rgb[3 * (y * self.width + x)..][..3].copy_from_slice(&ink);
        }
    }

    fn text(&mut self, x: usize, y: usize, words: &str) {
        const SIZE: usize = 2;
        for (at, glyph) in words.chars().map(glyph).enumerate() {
            for pixel in 0..15 * SIZE * SIZE {
                let (column, row) = (pixel % (3 * SIZE), pixel / (3 * SIZE));
                if glyph[row / SIZE] & (4 >> (column / SIZE)) != 0 {
                    self.dot(x + at * 4 * SIZE + column, y + row, TEXT);
                }
            }
        }
    }

    fn panel(&mut self, x0: usize, y0: usize, panel: &Panel) {
        for x in 0..=WIDTH {
            self.dot(x0 + x, y0, FRAME);
            self.dot(x0 + x, y0 + HEIGHT, FRAME);
        }
        for y in 0..=HEIGHT {
            self.dot(x0, y0 + y, FRAME);
            self.dot(x0 + WIDTH, y0 + y, FRAME);
        }
        self.text(x0, y0 - HEAD + 4, &panel.title);
        let finite = |series: &Series| -> Vec<[f64; 2]> {
            series.points.iter().filter(|p| p.iter().all(|v| v.is_finite())).copied().collect()
        };
        let all = || panel.series.iter().flat_map(finite);
        let Some(wide) = reach(all().map(|[x, _]| x)) else { return };
        let drawn: Vec<_> = panel
            .series
            .iter()
            .map(|series| match series.joined {
                true => averaged(&finite(series), wide),
                false => finite(series),
            })
            .collect();
        let Some(high) = reach(drawn.iter().flatten().map(|[_, y]| *y)) else { return };
        let place =
            |[x, y]: [f64; 2]| (share(x, wide) * WIDTH as f64, (1.0 - share(y, high)) * HEIGHT as f64);
        for (series, points) in panel.series.iter().zip(&drawn) {
            let mut before = None;
            for &point in points {
                let at = place(point);
                let from = before.filter(|_| series.joined).unwrap_or(at);
                self.line([x0, y0], from, at, series.ink);
                before = Some(at);
            }
        }
        self.text(x0, y0 - HEAD + 18, &number(high[1]));
        self.text(x0, y0 + HEIGHT + 4, &format!("{}  {}", number(high[0]), number(wide[0])));
        let last = number(wide[1]);
        self.text((x0 + WIDTH).saturating_sub(8 * last.len()), y0 + HEIGHT + 4, &last);
    }

    /// Two pixels thick.
    fn line(&mut self, [x0, y0]: [usize; 2], from: (f64, f64), to: (f64, f64), ink: Ink) {
        let steps = (to.0 - from.0).abs().max((to.1 - from.1).abs()).ceil().max(1.0) as usize;
        for step in 0..=steps {
            let part = step as f64 / steps as f64;
            let at = |from: f64, to: f64| (from + (to - from) * part).round() as usize;
            let (x, y) = (x0 + at(from.0, to.0), y0 + at(from.1, to.1));
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                self.dot(x + dx, y + dy, ink);
            }
        }
    }
}

/// Least and greatest.
fn reach(values: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
    values.fold(None, |reach, v| match reach {
        None => Some([v, v]),
        Some([least, most]) => Some([v.min(least), v.max(most)]),
    })
}

/// Where a value lies, 0 to 1; in the middle where all are the same.
fn share(value: f64, [least, most]: [f64; 2]) -> f64 {
    if most > least { (value - least) / (most - least) } else { 0.5 }
}

/// Not more points than pixels: the mean of what falls together.
fn averaged(points: &[[f64; 2]], wide: [f64; 2]) -> Vec<[f64; 2]> {
    const PIXELS: usize = WIDTH / 2;
    let mut sums = vec![([0.0; 2], 0u32); PIXELS + 1];
    for &[x, y] in points {
        let (sum, count) = &mut sums[(share(x, wide) * PIXELS as f64) as usize];
        *sum = [sum[0] + x, sum[1] + y];
        *count += 1;
    }
    let mean = |(sum, count): ([f64; 2], u32)| (count > 0).then(|| sum.map(|v| v / f64::from(count)));
    sums.into_iter().filter_map(mean).collect()
}

fn number(value: f64) -> String {
    let size = value.abs();
    match () {
        () if value.fract() == 0.0 && size < 1e9 => format!("{value:.0}"),
        () if (1e-3..1e4).contains(&size) => format!("{value:.4}"),
        () => format!("{value:.2e}"),
    }
}

/// Three pixels across, an octal digit a row; capitals only.
fn glyph(letter: char) -> [u8; 5] {
    const GLYPHS: &str = "075557 126227 271747 371317 455711 574717 674757 771122 875757 975717 a25755 b65656 c34443 \
        d65556 e74647 f74644 g34553 h55755 i72227 j11152 k55655 l44447 m57755 n65555 o25552 p65644 q25563 r65655 \
        s34216 t72222 u55557 v55552 w55775 x55255 y55222 z71247 _00007 .00002 -00700 :02020 %51245 (12221 )42224 \
        /11244 +02720";
    let wanted = letter.to_ascii_lowercase();
    let found = GLYPHS.split(' ').find_map(|entry| entry.strip_prefix(wanted));
    let rows = found.unwrap_or_default().bytes().map(|digit| digit - b'0');
    let mut glyph = [0; 5];
    glyph.iter_mut().zip(rows).for_each(|(to, row)| *to = row);
    glyph
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rgb(png: &[u8]) -> (usize, usize, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().expect("a PNG");
        let mut rgb = vec![0; reader.output_buffer_size().expect("its size")];
        let info = reader.next_frame(&mut rgb).expect("its pixels");
        (info.width as usize, info.height as usize, rgb)
    }

    #[test]
    fn a_falling_line_falls_and_what_is_no_number_is_left_out() {
        let points = vec![[0.0, 1.0], [1.0, f64::NAN], [10.0, 0.0]];
        let series = vec![Series { ink: ORANGE, points, joined: true }];
        let made = plot(&[Panel { title: "loss".into(), series }]).expect("drawn");
        let (width, _, rgb) = rgb(&made);
        let inked = |x: usize, y: usize| rgb[3 * ((y + HEAD) * width + x + MARGIN)..][..3] == ORANGE;
        assert!(inked(0, 0) && inked(WIDTH, HEIGHT) && inked(WIDTH / 2, HEIGHT / 2));
        assert!(!inked(WIDTH, 0) && !inked(0, HEIGHT));
        // Its name and its numbers are there.
        let words = (0..HEAD).flat_map(|y| (0..width).map(move |x| 3 * (y * width + x)));
        assert!(words.filter(|&at| rgb[at..at + 3] == TEXT).count() > 100);
    }

    #[test]
    fn many_points_are_averaged_and_none_are_no_trouble() {
        let noisy = |i: usize| [i as f64, if i.is_multiple_of(2) { 1.0 } else { 3.0 }];
        let points: Vec<_> = (0..100_000).map(noisy).collect();
        let few = averaged(&points, [0.0, 99_999.0]);
        assert!(few.len() <= WIDTH / 2 + 1 && few.iter().take(100).all(|[_, y]| (y - 2.0).abs() < 0.01));
        plot(&[]).expect("an empty sheet");
        let nothing = vec![Series { ink: BLUE, points: Vec::new(), joined: false }];
        plot(&[Panel { title: String::new(), series: nothing }]).expect("an empty panel");
    }
}
