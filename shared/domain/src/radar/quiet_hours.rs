//! Hours of the day in which nobody is to be disturbed.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::kernel::field::FieldError;

const HOUR: u16 = 60;
const DAY: u16 = 24 * HOUR;

/// A span of every day in Asia/Shanghai, in minutes since midnight. It may pass
/// midnight; equal ends make it empty. Written `21:30-08:30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct QuietHours {
    from: u16,
    until: u16,
}

/// From 21:30 to 08:30.
impl Default for QuietHours {
    fn default() -> Self {
        Self { from: 21 * HOUR + 30, until: 8 * HOUR + 30 }
    }
}

impl QuietHours {
    /// Whether the whole hour that starts at `hour` o'clock lies outside.
    pub fn leave_free(self, hour: u8) -> bool {
        let start = u16::from(hour) * HOUR;
        // Minutes since the quiet hours began; they lie on the clock's face, not on a line.
        let since = |minute: u16| (minute + DAY - self.from) % DAY;
        let length = since(self.until);
        length == 0 || (since(start) >= length && since(start) + HOUR <= DAY)
    }
}

impl FromStr for QuietHours {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        text.split_once('-')
            .and_then(|(from, until)| Some(Self { from: minute(from)?, until: minute(until)? }))
            .ok_or_else(|| FieldError::new("invalid_quiet_hours", "免打扰时段格式不正确，应为 21:30-08:30 这样的形式"))
    }
}

/// The minute of the day of `HH:MM`.
fn minute(text: &str) -> Option<u16> {
    let &[a, b, b':', c, d] = text.as_bytes() else { return None };
    let digits = |high: u8, low: u8| {
        (high.is_ascii_digit() && low.is_ascii_digit()).then(|| u16::from(high - b'0') * 10 + u16::from(low - b'0'))
    };
    let (hour, minute) = (digits(a, b)?, digits(c, d)?);
    (hour < 24 && minute < 60).then_some(hour * HOUR + minute)
}

impl From<QuietHours> for String {
    fn from(quiet: QuietHours) -> Self {
        let QuietHours { from, until } = quiet;
        format!("{:02}:{:02}-{:02}:{:02}", from / HOUR, from % HOUR, until / HOUR, until % HOUR)
    }
}

impl TryFrom<String> for QuietHours {
    type Error = FieldError;

    fn try_from(text: String) -> Result<Self, FieldError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn free(text: &str) -> Vec<u8> {
        let quiet: QuietHours = text.parse().unwrap();
        (0..24).filter(|hour| quiet.leave_free(*hour)).collect()
    }

    proptest! {
        /// Against walking through the minutes.
        #[test]
        fn an_hour_is_free_if_each_of_its_minutes_is(from in 0u16..DAY, until in 0u16..DAY, hour in 0u8..24) {
            let mut quiet = [false; DAY as usize];
            let mut at = from;
            while at != until {
                quiet[usize::from(at)] = true;
                at = (at + 1) % DAY;
            }
            let start = usize::from(hour) * 60;
            prop_assert_eq!(QuietHours { from, until }.leave_free(hour), !quiet[start..start + 60].contains(&true));
        }

        #[test]
        fn the_text_reads_back(from in 0u16..DAY, until in 0u16..DAY) {
            let quiet = QuietHours { from, until };
            prop_assert_eq!(String::from(quiet).parse(), Ok(quiet));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,14}") {
            let _ = text.parse::<QuietHours>();
        }
    }

    #[test]
    fn only_whole_hours_outside_are_free() {
        assert_eq!(free("21:30-08:30"), (9..=20).collect::<Vec<_>>());
        assert_eq!(QuietHours::default(), "21:30-08:30".parse().unwrap());
        assert_eq!(free("12:00-13:00").len(), 23);
        assert_eq!(free("00:00-00:00").len(), 24);
        assert!(free("00:01-00:00").is_empty());
    }

    #[test]
    fn other_spellings_are_rejected() {
        for text in ["", "21:30", "24:00-08:00", "21:60-08:00", "9:00-10:00", "21:30 - 08:30", "２1:30-08:30"] {
            assert_eq!(text.parse::<QuietHours>().unwrap_err().code, "invalid_quiet_hours", "{text}");
        }
    }
}
