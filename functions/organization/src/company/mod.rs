//! The company: founding, profile, departments, seats, audit log, WeCom.

pub(crate) mod audit_log;
pub(crate) mod department;
pub(crate) mod founding;
pub(crate) mod profile;
pub(crate) mod seat;
pub(crate) mod wecom;
