//! The shop: what is sold, where it goes, and the way of an order.

pub mod freight;
pub mod province;
