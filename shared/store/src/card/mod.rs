//! Cards and what they show.

#[expect(clippy::module_inception, reason = "an area re-exports its noun of the same name")]
mod card;
pub(crate) mod media;
pub(crate) mod share;
pub(crate) mod template;
pub(crate) mod view;
pub(crate) mod voice;

pub use self::card::*;
