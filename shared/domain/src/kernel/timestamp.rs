//! Points in time, in milliseconds.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use crate::kernel::field::FieldError;

/// Length of a second in milliseconds.
pub const SECOND_MS: i64 = 1_000;
/// Length of a day in milliseconds; Asia/Shanghai has had no clock change since 1991.
pub const DAY_MS: i64 = 86_400 * SECOND_MS;
/// Asia/Shanghai, ahead of UTC.
pub(crate) const SHANGHAI_MS: i64 = 8 * 3_600 * SECOND_MS;

/// The earliest readable instant: 2020-01-01T00:00:00Z.
const MIN_MS: i64 = 1_577_836_800_000;
/// The first instant past the readable ones: 2100-01-01T00:00:00Z.
const MAX_MS: i64 = 4_102_444_800_000;

/// An instant between the years 2020 and 2100, in Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant of these Unix milliseconds, held inside the readable range.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(MIN_MS, MAX_MS - 1))
    }

    /// Unix milliseconds.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Unix seconds, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(SECOND_MS)
    }

    /// The instant `millis` later (earlier when negative).
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// Reads RFC 3339 with an offset.
    ///
    /// # Errors
    /// `invalid_time` for other text, `time_out_of_range` outside 2020..2100.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let millis = millis_of(text)?;
        if !(MIN_MS..MAX_MS).contains(&millis) {
            return Err(FieldError::new("time_out_of_range", "时间超出允许的范围"));
        }
        Ok(Self(millis))
    }
}

/// Unix milliseconds of RFC 3339 with an offset, of any year; `invalid_time` for other text.
pub(crate) fn millis_of(text: &str) -> Result<i64, FieldError> {
    let parsed = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| {
        FieldError::new("invalid_time", "时间格式不正确，应为带时区的 RFC 3339，例如 2026-11-21T09:30:00+08:00")
    })?;
    Ok(i64::try_from(parsed.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap_or(i64::MAX))
}

/// RFC 3339 in Asia/Shanghai, with milliseconds where they are not zero.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .zip(UtcOffset::from_hms(8, 0, 0).ok())
            .and_then(|(utc, shanghai)| utc.to_offset(shanghai).format(&Rfc3339).ok())
            .ok_or(fmt::Error)?;
        f.write_str(&text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// Serde form as plain Unix milliseconds, for stored and queued data.
pub mod as_millis {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Timestamp;

    /// Writes Unix milliseconds.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(instant.millis())
    }

    /// Reads Unix milliseconds.
    ///
    /// # Errors
    /// Those of the deserializer.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_instant_reads_back(millis in MIN_MS..MAX_MS) {
            let instant = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::parse(&instant.to_string()), Ok(instant));
        }
    }

    #[test]
    fn text_carries_the_offset_of_shanghai() {
        let instant = Timestamp::parse("2026-11-20T16:00:00.250Z").unwrap();
        assert_eq!(instant.to_string(), "2026-11-21T00:00:00.25+08:00");
    }

    #[test]
    fn no_offset_and_far_years_are_rejected() {
        assert_eq!(Timestamp::parse("2026-11-21T00:00:00").unwrap_err().code, "invalid_time");
        assert_eq!(Timestamp::parse("1970-01-01T00:00:00Z").unwrap_err().code, "time_out_of_range");
        assert_eq!(Timestamp::parse("9999-12-31T23:59:59Z").unwrap_err().code, "time_out_of_range");
    }
}
