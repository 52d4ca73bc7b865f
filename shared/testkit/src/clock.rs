//! A clock that moves only when a test moves it, and reproducible ids.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use domain::kernel::timestamp::Timestamp;
use runtime::clock::Clock;
use runtime::ids::Ids;

/// Where every test's clock starts: a Saturday noon in Shanghai.
pub const NOON: &str = "2026-11-21T12:00:00+08:00";

/// A clock that a test controls.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl Default for TestClock {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(noon().millis())))
    }
}

impl TestClock {
    /// The time now.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    /// Moves the clock forward.
    pub fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// Sets the clock to this time.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.millis(), Ordering::SeqCst);
    }

    /// The clock for the code under test.
    pub fn clock(&self) -> Clock {
        let clock = self.clone();
        Clock::from_fn(move || clock.now())
    }
}

/// [`NOON`] as an instant.
pub fn noon() -> Timestamp {
    Timestamp::parse(NOON).expect("NOON is a time")
}

/// Ids that differ from each other and are the same in every run.
pub fn ids() -> Ids {
    ids_from(1)
}

/// The same, with other ids for another seed.
pub fn ids_from(seed: u64) -> Ids {
    let state = AtomicU64::new(seed);
    Ids::from_fn(move |bytes| {
        for byte in bytes {
            // SplitMix64, one step per byte.
            let mut z = state.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            *byte = (z ^ (z >> 31)).to_le_bytes()[0];
        }
        Ok(())
    })
}
