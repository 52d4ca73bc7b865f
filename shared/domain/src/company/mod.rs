//! The company: its profile, departments, quotas and audit log.

pub mod audit;
pub mod book;
pub mod budget_spend;
#[expect(clippy::module_inception, reason = "an area re-exports its noun of the same name")]
mod company;
pub mod department;
pub mod quota;

pub use self::company::*;
