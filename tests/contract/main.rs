//! Contract tests.

mod golden;
