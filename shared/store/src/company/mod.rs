//! Companies, departments, quotas, settings and the audit log.

pub(crate) mod assignment;
pub(crate) mod audit;
pub(crate) mod book;
#[expect(clippy::module_inception, reason = "an area re-exports its noun of the same name")]
mod company;
pub(crate) mod department;
pub(crate) mod quota;
pub(crate) mod remembered;
pub(crate) mod settings;
pub(crate) mod suspension;

pub use self::company::*;
