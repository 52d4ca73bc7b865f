//! Companies, departments, quotas, settings and the audit log.

pub(crate) mod audit;
mod company;
pub(crate) mod department;
pub(crate) mod quota;
pub(crate) mod settings;

pub use self::company::*;
