//! The default model, as data: fitted by `scripts/lab fit` to public streams, with what it promised
//! and what became true of people that the fit had not seen.

use std::sync::LazyLock;

use crate::close_rate::calibration::{BandCheck, Calibration};
use crate::close_rate::evidence::{FEATURES, Feature};
use crate::close_rate::model::{Band, Model, Origin, Rate};
use crate::kernel::string_enum::string_enum;

/// The lines of a model: what `scripts/lab fit` writes.
const DATA: &str = include_str!("../../data/close_rate_model.txt");

static PUBLISHED: LazyLock<PublishedModel> = LazyLock::new(|| PublishedModel::read(DATA));

string_enum! {
    /// A public stream of what people did.
    PublicStream, "unknown_public_stream", "未知的公开数据" {
        /// Ratings of films: MovieLens 100K.
        Movielens = "movielens",
        /// Purchases of music: CDNOW.
        Cdnow = "cdnow",
    }
}

/// A model and its calibration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedModel {
    /// What its numbers are called.
    pub version: &'static str,
    /// The model.
    pub model: Model,
    /// For each stream, predicted and true by band, of people that the fit has not seen.
    pub calibration: Vec<(PublicStream, BandCheck)>,
}

/// The default model.
pub fn published() -> &'static PublishedModel {
    &PUBLISHED
}

/// Where a company starts.
impl Default for Model {
    fn default() -> Self {
        published().model.clone()
    }
}

impl Model {
    /// Where it comes from.
    pub fn origin(&self) -> Origin {
        if *self == published().model { Origin::Default } else { Origin::Own }
    }

    /// How well its rates are known to come true.
    pub fn calibration(&self) -> Calibration {
        match self.origin() {
            Origin::Own => Calibration::Own,
            Origin::Default => Calibration::Published,
        }
    }

    /// A rate of this model as a percentage; `None` if it is a score.
    pub fn percentage(&self, rate: Rate) -> Option<Rate> {
        (self.calibration() == Calibration::Own).then_some(rate)
    }
}

impl PublishedModel {
    /// Lines that mean nothing are passed; the tests know that there are none.
    fn read(data: &'static str) -> Self {
        let (mut version, mut intercept, mut coefficients, mut calibration) = ("", 0, [0; FEATURES], Vec::new());
        for line in data.lines() {
            match *line.split(' ').collect::<Vec<_>>() {
                ["version", name] => version = name,
                ["intercept", number] => intercept = number.parse().unwrap_or(intercept),
                ["coefficient", name, number] => {
                    if let (Ok(feature), Ok(number)) = (name.parse::<Feature>(), number.parse()) {
                        coefficients[feature.index()] = number;
                    }
                }
                ["calibration", stream, band, customers, closed, predicted] => {
                    calibration.extend(stream.parse().ok().zip(band_check(band, [customers, closed, predicted])));
                }
                _ => {}
            }
        }
        Self { version, model: Model::new(intercept, coefficients), calibration }
    }
}

fn band_check(band: &str, [customers, closed, predicted]: [&str; 3]) -> Option<BandCheck> {
    let predicted = predicted.parse::<u16>().ok().and_then(|points| Rate::try_from(points).ok());
    let (customers, closed) = (customers.parse().ok()?, closed.parse().ok()?);
    Some(BandCheck { band: band.parse::<Band>().ok()?, customers, closed, predicted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_and_every_feature_and_band_has_one() {
        let published = published();
        let lines = |word: &str| DATA.lines().filter(|line| line.starts_with(word)).count();
        assert_eq!(lines("coefficient "), FEATURES);
        assert_eq!(Feature::ALL.iter().filter(|feature| published.model.coefficient(**feature) > 0).count(), FEATURES);
        assert_eq!(lines("calibration "), published.calibration.len());
        assert_eq!(published.calibration.len(), PublicStream::ALL.len() * Band::ALL.len());
        assert_eq!(
            lines("#") + lines("version ") + lines("intercept ") + FEATURES + published.calibration.len(),
            DATA.lines().count()
        );
        assert!(!published.version.is_empty() && published.model.base() > Rate::try_from(0).unwrap());
    }
}
