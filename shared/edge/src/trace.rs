//! Facts about a request that are learned on the way, for its log line.

use std::sync::{Arc, OnceLock};

use domain::kernel::id::CompanyId;

/// The company of a request, known once its token is verified, and its route, known once it has one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace(Arc<Facts>);

#[derive(Debug, Default)]
struct Facts {
    company: OnceLock<CompanyId>,
    route: OnceLock<String>,
}

impl Trace {
    /// Records the company. The first one stands: a request has one.
    pub(crate) fn note_company(&self, company: CompanyId) {
        let _ = self.0.company.set(company);
    }

    /// Records the route.
    pub(crate) fn note_route(&self, route: &str) {
        let _ = self.0.route.set(route.to_owned());
    }

    /// The company, if it is known.
    pub(crate) fn company(&self) -> Option<CompanyId> {
        self.0.company.get().copied()
    }

    /// The route, if the request has one.
    pub(crate) fn route(&self) -> Option<&str> {
        self.0.route.get().map(String::as_str)
    }
}
