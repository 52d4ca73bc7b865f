//! Mobile numbers that an SMS can be sent to.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::kernel::field::FieldError;

/// Digits after the `+`: E.164 allows 15, and none is shorter than 8.
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;
/// Characters at the end that a masked number still shows.
const SHOWN_LAST: usize = 4;
const SHOWN_FIRST: usize = 6;

/// A mobile number in E.164: `+`, country code, number.
///
/// It has no `Display`, and its `Debug` is masked, so that it does not get into a log.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Mobile(String);

impl Mobile {
    /// Reads `+8613800138000`, or a mainland number without country code. Spaces and
    /// hyphens are left out.
    ///
    /// # Errors
    /// `invalid_mobile` when it cannot be one.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let compact: String = text.trim().chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        let number = match compact.strip_prefix('+') {
            Some(number) => number.to_owned(),
            None => format!("86{compact}"),
        };
        let digits = number.bytes().all(|b| b.is_ascii_digit()) && DIGITS.contains(&number.len());
        let valid = digits && !number.starts_with('0') && number.strip_prefix("86").is_none_or(is_mainland_mobile);
        if valid {
            Ok(Self(format!("+{number}")))
        } else {
            Err(FieldError::new("invalid_mobile", "手机号格式不正确"))
        }
    }

    /// The number, for the channel that sends to it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What people may see: `+86138****8000`.
    pub fn masked(&self) -> String {
        let last = self.0.len() - SHOWN_LAST;
        format!("{}****{}", &self.0[..SHOWN_FIRST.min(last)], &self.0[last..])
    }
}

/// Prefixes that no list allows: numbers that cost whoever calls them, and satellites.
const NEVER_ALLOWED: [&str; 11] = ["1900", "1976", "800", "808", "870", "878", "881", "882", "883", "888", "979"];

/// The calling codes of countries that text messages are sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallingCodes(Vec<String>);

impl CallingCodes {
    /// Reads a list such as `86,852`. Returns `None` for other text, and for no code at all.
    pub fn parse(text: &str) -> Option<Self> {
        let is_code = |code: &str| {
            (1..=4).contains(&code.len()) && !code.starts_with('0') && code.bytes().all(|b| b.is_ascii_digit())
        };
        let codes: Vec<_> = text.split(',').map(|code| code.trim().to_owned()).collect();
        codes.iter().all(|code| is_code(code)).then_some(Self(codes))
    }

    /// Whether a text message may be sent to the number.
    pub fn allow(&self, mobile: &Mobile) -> bool {
        let number = &mobile.0[1..];
        let never = NEVER_ALLOWED.iter().any(|prefix| number.starts_with(prefix));
        !never && self.0.iter().any(|code| number.starts_with(code.as_str()))
    }
}

fn is_mainland_mobile(number: &str) -> bool {
    number.len() == 11 && number.starts_with('1') && !number.starts_with("10")
}

impl fmt::Debug for Mobile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl<'de> Deserialize<'de> for Mobile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling_and_is_shown_masked() {
        for typed in ["13800138000", "+8613800138000", " +86 138-0013-8000 "] {
            let mobile = Mobile::parse(typed).unwrap();
            assert_eq!(mobile.reveal(), "+8613800138000");
            assert_eq!(format!("{mobile:?}"), "+86138****8000");
        }
        assert_eq!(Mobile::parse("+85291234567").unwrap().masked(), "+85291****4567");
    }

    #[test]
    fn a_number_that_cannot_get_an_sms_is_rejected() {
        for bad in [
            "",
            "110",
            "+",
            "02158880000",
            "+861380013800",
            "10800138000",
            "+01234567890",
            "1380013800a",
            "１３８００１３８０００",
        ] {
            assert_eq!(Mobile::parse(bad).unwrap_err().code, "invalid_mobile", "{bad}");
        }
    }

    #[test]
    fn a_number_gets_messages_if_its_country_is_in_the_list() {
        let allows =
            |codes: &str, number: &str| CallingCodes::parse(codes).unwrap().allow(&Mobile::parse(number).unwrap());
        assert!(allows("86", "13800138000"));
        assert!(!allows("86", "+85291234567") && allows("86, 852", "+85291234567"));
        for number in ["+88213300655", "+97912345678", "+19005550123", "+12025550123"] {
            assert!(!allows("86", number), "{number}");
        }
        assert!(allows("1", "+12025550123"));
        assert!(!allows("1,882", "+19005550123") && !allows("1,882", "+88213300655"), "whatever the list says");
        for bad in ["", "86,", "+86", "086", "cn", "86861"] {
            assert_eq!(CallingCodes::parse(bad), None, "{bad}");
        }
    }
}
