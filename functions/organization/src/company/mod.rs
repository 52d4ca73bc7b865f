//! The company: creation, profile, departments, seats, audit log, WeCom.

pub(crate) mod audit_log;
pub(crate) mod department;
pub(crate) mod new_company;
pub(crate) mod profile;
pub(crate) mod seat;
pub(crate) mod status;
pub(crate) mod wecom;
