//! Capital letters, figures and a few signs, five pixels by seven, to write on pictures without a font.

use lipsmith_base::Rgb;

/// Pixels from one letter to the next, and of a line, at scale 1.
pub const ADVANCE: usize = 6;
pub const HEIGHT: usize = 7;

/// Each letter's rows from above; the lowest five bits are its pixels, the highest of them on the left.
const SIGNS: &[(char, [u8; 7])] = &[
    ('A', [14, 17, 17, 31, 17, 17, 17]),
    ('B', [30, 17, 17, 30, 17, 17, 30]),
    ('C', [14, 17, 16, 16, 16, 17, 14]),
    ('D', [30, 17, 17, 17, 17, 17, 30]),
    ('E', [31, 16, 16, 30, 16, 16, 31]),
    ('F', [31, 16, 16, 30, 16, 16, 16]),
    ('G', [14, 17, 16, 23, 17, 17, 15]),
    ('H', [17, 17, 17, 31, 17, 17, 17]),
    ('I', [14, 4, 4, 4, 4, 4, 14]),
    ('J', [7, 2, 2, 2, 2, 18, 12]),
    ('K', [17, 18, 20, 24, 20, 18, 17]),
    ('L', [16, 16, 16, 16, 16, 16, 31]),
    ('M', [17, 27, 21, 21, 17, 17, 17]),
    ('N', [17, 25, 21, 19, 17, 17, 17]),
    ('O', [14, 17, 17, 17, 17, 17, 14]),
    ('P', [30, 17, 17, 30, 16, 16, 16]),
    ('Q', [14, 17, 17, 17, 21, 18, 13]),
    ('R', [30, 17, 17, 30, 20, 18, 17]),
    ('S', [15, 16, 16, 14, 1, 1, 30]),
    ('T', [31, 4, 4, 4, 4, 4, 4]),
    ('U', [17, 17, 17, 17, 17, 17, 14]),
    ('V', [17, 17, 17, 17, 17, 10, 4]),
    ('W', [17, 17, 17, 21, 21, 27, 17]),
    ('X', [17, 17, 10, 4, 10, 17, 17]),
    ('Y', [17, 17, 10, 4, 4, 4, 4]),
    ('Z', [31, 1, 2, 4, 8, 16, 31]),
    ('0', [14, 17, 19, 21, 25, 17, 14]),
    ('1', [4, 12, 4, 4, 4, 4, 14]),
    ('2', [14, 17, 1, 6, 8, 16, 31]),
    ('3', [31, 1, 2, 6, 1, 17, 14]),
    ('4', [2, 6, 10, 18, 31, 2, 2]),
    ('5', [31, 16, 30, 1, 1, 17, 14]),
    ('6', [6, 8, 16, 30, 17, 17, 14]),
    ('7', [31, 1, 2, 4, 8, 8, 8]),
    ('8', [14, 17, 17, 14, 17, 17, 14]),
    ('9', [14, 17, 17, 15, 1, 2, 12]),
    ('-', [0, 0, 0, 14, 0, 0, 0]),
    ('+', [0, 4, 4, 31, 4, 4, 0]),
    ('.', [0, 0, 0, 0, 0, 12, 12]),
    (':', [0, 12, 12, 0, 12, 12, 0]),
    ('/', [1, 1, 2, 4, 8, 16, 16]),
    ('%', [24, 25, 2, 4, 8, 19, 3]),
];

/// Writes `words` in white with its upper left corner at `(x, y)`, each pixel `scale` wide; what is outside the
/// picture, and signs that are not known, are left out.
pub fn write(picture: &mut Rgb, words: &str, (x, y): (usize, usize), scale: usize) {
    for (place, letter) in words.chars().enumerate() {
        let known = SIGNS.iter().find(|(sign, _)| *sign == letter.to_ascii_uppercase());
        let Some((_, rows)) = known else { continue };
        for row in 0..HEIGHT * scale {
            for column in 0..5 * scale {
                let (px, py) = (x + place * ADVANCE * scale + column, y + row);
                let set = rows[row / scale] >> (4 - column / scale) & 1 == 1;
                if set && px < picture.width() && py < picture.height() {
                    picture.set(px, py, [1.0; 3]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_drawn_inside_the_picture_alone() {
        let mut picture = Rgb::black(20, 9);
        write(&mut picture, "I?L long beyond the edge", (1, 1), 1);
        let row = |y: usize| {
            (0..20).map(|x| if picture.get(x, y)[0] > 0.5 { '#' } else { '.' }).collect::<String>()
        };
        assert_eq!(&row(1)[..18], "..###........#....");
        assert_eq!(&row(7)[..18], "..###........#####");
        assert!(SIGNS.iter().all(|(_, rows)| rows.iter().all(|row| *row < 32)));
    }
}
