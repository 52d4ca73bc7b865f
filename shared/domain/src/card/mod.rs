//! The business card: contact, template, media, sharing, settings.

#[expect(clippy::module_inception, reason = "an area re-exports its noun of the same name")]
mod card;
pub mod media;
pub mod settings;
pub mod share;
pub mod tag;
pub mod template;
pub mod vcard;
pub mod voice;

pub use self::card::*;
