//! What tests share: a company on an emulated table, a clock that stands still, and
//! the files of `events/`. A dev-dependency only; it panics where a test should fail.
#![expect(clippy::expect_used, clippy::panic, reason = "a helper that cannot go on ends its test")]

pub mod clock;
pub mod emulators;
pub mod events;
pub mod keys;
pub mod vendors;
pub mod world;
