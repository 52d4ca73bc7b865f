//! The shop.

mod freight;
