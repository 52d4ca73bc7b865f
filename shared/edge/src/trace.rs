//! Facts about a request that are learned on the way, for its log line.

use std::sync::{Arc, OnceLock};

use domain::kernel::id::CompanyId;

/// The company of a request, known once its token is verified.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace(Arc<OnceLock<CompanyId>>);

impl Trace {
    /// Records the company. The first one stands: a request has one.
    pub(crate) fn note_company(&self, company: CompanyId) {
        let _ = self.0.set(company);
    }

    /// The company, if it is known.
    pub(crate) fn company(&self) -> Option<CompanyId> {
        self.0.get().copied()
    }
}
