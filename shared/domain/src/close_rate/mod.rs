//! How likely a customer is to close a deal: evidence, model, explanation, retraining.

pub mod calibration;
pub(crate) mod curve;
pub mod default_model;
pub mod evidence;
pub mod explanation;
pub mod model;
pub mod rank_share;
pub mod retrain;
pub mod sample;
pub mod shortlist;
