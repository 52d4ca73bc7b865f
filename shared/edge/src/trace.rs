//! What a request's log line learns on the way.

use std::sync::{Arc, OnceLock};

use domain::id::CompanyId;

/// The company of a request, known once its token is verified.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace(Arc<OnceLock<CompanyId>>);

impl Trace {
    /// Notes the company. The first one stands: a request has one.
    pub(crate) fn note_company(&self, company: CompanyId) {
        let _ = self.0.set(company);
    }

    /// The company, if it is known.
    pub(crate) fn company(&self) -> Option<CompanyId> {
        self.0.get().copied()
    }
}
