//! The company: its profile, departments, quotas and audit log.

pub mod audit;
mod company;
pub mod department;
pub mod quota;

pub use self::company::*;
