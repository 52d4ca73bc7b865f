//! What a process remembers of companies for a minute, instead of reading it with each request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::kernel::id::CompanyId;

/// How long a process believes what it has read of a company.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Most companies that are remembered; then all are forgotten.
const COMPANIES_MAX: usize = 10_000;

/// The companies that were asked for lately: when, and what was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Remembered<T>(Arc<Mutex<HashMap<CompanyId, (Duration, T)>>>);

impl<T: Copy> Remembered<T> {
    /// What is remembered of a company.
    pub(crate) fn known(&self, company: CompanyId, now: Duration) -> Option<T> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, read) = known.get(&company)?;
        (now.saturating_sub(*read_at) < REMEMBERED).then_some(*read)
    }

    /// Remembers it from now on.
    pub(crate) fn remember(&self, company: CompanyId, now: Duration, read: T) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= COMPANIES_MAX {
            known.clear();
        }
        known.insert(company, (now, read));
    }
}
