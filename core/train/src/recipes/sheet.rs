//! Pictures of an examination side by side.

use crate::TrainError;
use candle_core::Tensor;

/// A PNG: each of `rows` is `[n, 3, s, s]`, red, green, blue in 0..=1; of each the same `shown` pictures, spread over
/// all.
pub(super) fn sheet(rows: &[Tensor], shown: usize) -> Result<Vec<u8>, TrainError> {
    let Some((n, _, side, _)) = rows.first().map(|row| row.dims4()).transpose()? else {
        return Ok(Vec::new());
    };
    let shown = shown.min(n);
    let (width, height) = (shown * side, rows.len() * side);
    let mut bytes = vec![0u8; 3 * width * height];
    for (row, pictures) in rows.iter().enumerate() {
        for column in 0..shown {
            let planes = pictures.get(column * n / shown)?.flatten_all()?.to_vec1::<f32>()?;
            for (i, value) in planes.iter().enumerate() {
                let (colour, y, x) = (i / (side * side), i / side % side, i % side);
                bytes[((row * side + y) * width + column * side + x) * 3 + colour] =
                    (value * 255.0).round().clamp(0.0, 255.0) as u8;
            }
        }
    }
    png(width, height, &bytes).map_err(|e| TrainError::Format { cause: e.to_string() })
}

/// `rgb`: row after row.
pub(crate) fn png(width: usize, height: usize, rgb: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(rgb)?;
    Ok(file)
}
