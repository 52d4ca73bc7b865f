//! Cards and what they show.

mod card;
pub(crate) mod media;
pub(crate) mod share;
pub(crate) mod template;
pub(crate) mod view;
pub(crate) mod voice;

pub use self::card::*;
