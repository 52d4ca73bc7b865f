//! Whether predicted rates come true: the Brier score, and each band against what closed.

use serde::{Deserialize, Serialize};

use crate::close_rate::model::{Band, Rate};
use crate::kernel::string_enum::string_enum;

string_enum! {
    /// How well the rates of a model are known to come true.
    Calibration, "unknown_calibration", "未知的成交率校准" {
        /// A model of the company: its bands were compared with what customers closed whom it had not
        /// seen. Its rates are percentages.
        Own = "own",
        /// The default model, whose calibration is known from public data only. Its rates are scores.
        Published = "published",
    }
}

/// One band of the funnel: what was predicted and what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BandCheck {
    /// The band.
    #[serde(rename = "b")]
    pub band: Band,
    /// How many customers had a rate in it.
    #[serde(rename = "n")]
    pub customers: u32,
    /// How many of them closed a deal.
    #[serde(rename = "c")]
    pub closed: u32,
    /// The mean of their rates; `None` when there were none.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<Rate>,
}

impl BandCheck {
    /// The share that closed, to be compared with `predicted`.
    pub fn share_closed(&self) -> Option<f64> {
        (self.customers > 0).then(|| f64::from(self.closed) / f64::from(self.customers))
    }
}

/// Compares predicted rates with what closed, band by band from the lowest.
pub fn by_band(outcomes: impl IntoIterator<Item = (Rate, bool)>) -> Vec<BandCheck> {
    let mut sums = [(0, 0, 0_u64); Band::ALL.len()];
    for (rate, closed) in outcomes {
        let (customers, deals, points) = &mut sums[Band::of(rate) as usize];
        *customers += 1;
        *deals += u32::from(closed);
        *points += u64::from(rate.basis_points());
    }
    let check = |(band, (customers, closed, points)): (&Band, (u32, u32, u64))| BandCheck {
        band: *band,
        customers,
        closed,
        predicted: points.checked_div(u64::from(customers)).and_then(|mean| u16::try_from(mean).ok()?.try_into().ok()),
    };
    Band::ALL.iter().zip(sums).map(check).collect()
}

/// The squared distance of a prediction from the outcome; its mean is the Brier score.
pub(crate) fn brier_loss(probability: f64, closed: bool) -> f64 {
    (probability - f64::from(u8::from(closed))).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_customer_is_in_one_band_and_the_means_are_of_the_band() {
        let rate = |percent| Rate::from_percent(percent).unwrap();
        let bands =
            by_band([(rate(10), false), (rate(30), true), (rate(50), true), (rate(99), true), (rate(100), false)]);
        let summary: Vec<_> = bands.iter().map(|band| (band.customers, band.closed, band.predicted)).collect();
        assert_eq!(
            summary,
            [
                (2, 1, Some(rate(20))),
                (1, 1, Some(rate(50))),
                (0, 0, None),
                (2, 1, Some(Rate::try_from(9_950).unwrap())),
            ]
        );
        assert_eq!((bands[0].share_closed(), bands[2].share_closed()), (Some(0.5), None));
        let stored = serde_json::to_string(&bands).unwrap();
        assert_eq!(serde_json::from_str::<Vec<BandCheck>>(&stored).unwrap(), bands);
    }

    #[test]
    fn a_coin_loses_a_quarter() {
        assert!((brier_loss(0.5, true) - 0.25).abs() < 1e-12);
        assert!((brier_loss(0.5, false) - 0.25).abs() < 1e-12);
        assert!(brier_loss(1.0, true).abs() < 1e-12);
    }
}
