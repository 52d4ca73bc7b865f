//! The business card: contact, template, media, sharing, settings.

mod card;
pub mod media;
pub mod settings;
pub mod share;
pub mod tag;
pub mod template;
pub mod vcard;
pub mod voice;

pub use self::card::*;
