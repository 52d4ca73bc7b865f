//! Inspection of a file by its bytes, not by its name: rejects it, or returns it ready to publish.

use domain::media::upload::{Format, Purpose, Refusal};

use crate::clean::Clean;
use crate::{aac, jpeg, mp3, mp4, png, webp};

/// Inspects a file against its declared format and purpose.
pub(crate) fn inspect(purpose: Purpose, format: Format, file: Vec<u8>) -> Result<Clean, Refusal> {
    let limits = purpose.limits();
    let size = u64::try_from(file.len()).unwrap_or(u64::MAX);
    if size > limits.bytes_max {
        return Err(Refusal::TooLarge);
    }
    let picture = |bytes| Clean { bytes, duration_ms: None };
    let clean = match format {
        Format::Jpeg => picture(jpeg::clean(&file)?),
        Format::Png => picture(png::clean(&file)?),
        Format::Webp => picture(webp::clean(&file)?),
        Format::Mp4 => mp4::clean(file, mp4::Track::Video)?,
        Format::M4a => mp4::clean(file, mp4::Track::Sound)?,
        Format::Mp3 => mp3::clean(&file)?,
        Format::Aac => aac::clean(&file)?,
        // Tables are sent elsewhere, and shown to nobody.
        Format::Csv | Format::Text | Format::Xlsx => return Err(Refusal::WrongType),
    };
    limits.check_duration(clean.duration_ms.unwrap_or_default())?;
    Ok(clean)
}

#[cfg(test)]
#[path = "inspect_tests.rs"]
mod tests;
