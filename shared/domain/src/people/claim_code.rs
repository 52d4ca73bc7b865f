//! Claim codes: how invited members prove who they are at their first login.

use serde::{Deserialize, Deserializer, de};

use crate::kernel::field::FieldError;
use crate::kernel::timestamp::{DAY_MS, Timestamp};

/// How long a claim code is valid.
pub const CLAIM_LIFE_MS: i64 = 7 * DAY_MS;
/// Characters of a claim code, without the hyphens.
pub const CLAIM_CHARS: usize = 16;

/// A claim code: 80 random-looking bits as 16 characters of lower-case base32hex.
///
/// It is shown in groups of four and read with or without hyphens, in any case. It
/// has no `Debug` or `Display`, so that it does not get into a log by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimCode(String);

impl ClaimCode {
    /// The code made of 10 secret bytes.
    pub fn from_secret(secret: [u8; 10]) -> Self {
        Self(data_encoding::BASE32_DNSSEC.encode(&secret))
    }

    /// Reads what a person typed.
    ///
    /// # Errors
    /// `invalid_claim_code` when it cannot be one.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let code: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).map(|c| c.to_ascii_lowercase()).collect();
        let valid = code.len() == CLAIM_CHARS && data_encoding::BASE32_DNSSEC.decode(code.as_bytes()).is_ok();
        if valid { Ok(Self(code)) } else { Err(FieldError::new("invalid_claim_code", "邀请码格式不正确")) }
    }

    /// What is hashed for storage.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// What is shown to the person who passes it on: `xxxx-xxxx-xxxx-xxxx`.
    pub fn reveal(&self) -> String {
        let groups: Vec<_> = self.0.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
        groups.join("-")
    }
}

impl<'de> Deserialize<'de> for ClaimCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// When a code issued at `now` expires.
pub fn expires_at(now: Timestamp) -> Timestamp {
    now.plus_millis(CLAIM_LIFE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_is_shown_or_sloppily() {
        let code = ClaimCode::from_secret([7; 10]);
        for typed in [code.reveal(), code.reveal().to_uppercase(), code.reveal().replace('-', " ")] {
            assert!(ClaimCode::parse(&typed).is_ok_and(|read| read == code));
        }
        for bad in ["", "1234", "zzzz-zzzz-zzzz-zzzz", "1234-1234-1234-12345"] {
            assert!(ClaimCode::parse(bad).is_err());
        }
    }
}
