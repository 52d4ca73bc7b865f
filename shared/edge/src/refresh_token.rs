//! Refresh tokens: what a session goes on by. They carry a tag under a key that only the login has,
//! so that a forged one is rejected before anything is read.

use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use domain::company::Company;
use domain::kernel::id::{CompanyId, Id, MemberId, PersonId, SessionId};
use domain::people::session::RefreshClaims;
use uuid::Uuid;

use crate::token::TokenRefused;

/// Longest text of a refresh token.
pub const REFRESH_TOKEN_CHARS_MAX: usize = 200;
/// First byte: the layout.
const VERSION: u8 = 1;
const ID_LEN: usize = 16;
/// Layout, four ids and the counter.
const CLAIMS_LEN: usize = 1 + 4 * ID_LEN + 4;
/// Sets the tags apart from others under the same key.
const PURPOSE: &[u8] = b"refresh token ";

/// Makes and checks refresh tokens.
pub struct RefreshTokens(hmac::Key);

impl RefreshTokens {
    /// Keyed with the secret `pepper`.
    pub fn new(pepper: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, pepper))
    }

    /// The token that says this; always the same one.
    pub fn sign(&self, claims: &RefreshClaims) -> String {
        let mut bytes = Vec::with_capacity(CLAIMS_LEN + 32);
        bytes.push(VERSION);
        let RefreshClaims { company, member, person, session, counter } = claims;
        for id in [company.uuid(), member.uuid(), person.uuid(), session.uuid()] {
            bytes.extend(id.as_bytes());
        }
        bytes.extend(counter.to_be_bytes());
        let tag = hmac::sign(&self.0, &[PURPOSE, &bytes].concat());
        bytes.extend(tag.as_ref());
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// What a token says, with the handle of its company.
    ///
    /// # Errors
    /// [`TokenRefused`] for one that we did not make.
    pub fn verify(&self, token: &str) -> Result<(Company, RefreshClaims), TokenRefused> {
        let bytes = Some(token).filter(|token| token.len() <= REFRESH_TOKEN_CHARS_MAX);
        let bytes = bytes.and_then(|token| BASE64URL_NOPAD.decode(token.as_bytes()).ok()).ok_or(TokenRefused)?;
        let (said, tag) = bytes.split_at_checked(CLAIMS_LEN).ok_or(TokenRefused)?;
        hmac::verify(&self.0, &[PURPOSE, said].concat(), tag).map_err(|_| TokenRefused)?;
        let (VERSION, [ids @ .., a, b, c, d]) = said.split_first().map(|(v, rest)| (*v, rest)).ok_or(TokenRefused)?
        else {
            return Err(TokenRefused);
        };
        let ids: Vec<_> = ids.chunks_exact(ID_LEN).filter_map(|id| Uuid::from_slice(id).ok()).collect();
        let [company, member, person, session] = ids[..] else { return Err(TokenRefused) };
        let claims = RefreshClaims {
            company: CompanyId::from_uuid(company),
            member: MemberId::from_uuid(member),
            person: PersonId::from_uuid(person),
            session: SessionId::from_uuid(session),
            counter: u32::from_be_bytes([*a, *b, *c, *d]),
        };
        Ok((Company::granted(claims.company), claims))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> RefreshTokens {
        RefreshTokens::new(&[7; 32])
    }

    fn claims(counter: u32) -> RefreshClaims {
        let id = Uuid::from_u128;
        RefreshClaims {
            company: CompanyId::from_uuid(id(1)),
            member: MemberId::from_uuid(id(2)),
            person: PersonId::from_uuid(id(3)),
            session: SessionId::from_uuid(id(4)),
            counter,
        }
    }

    #[test]
    fn a_token_says_what_was_signed_and_fits_its_limit() {
        for counter in [0, 1, u32::MAX] {
            let token = tokens().sign(&claims(counter));
            assert!(token.len() <= REFRESH_TOKEN_CHARS_MAX);
            let (company, read) = tokens().verify(&token).unwrap();
            assert_eq!((company.id(), read), (read.company, claims(counter)));
        }
    }

    #[test]
    fn a_token_with_any_bit_changed_is_refused() {
        let bytes = BASE64URL_NOPAD.decode(tokens().sign(&claims(5)).as_bytes()).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(tokens().verify(&BASE64URL_NOPAD.encode(&forged)), Err(TokenRefused), "bit {bit}");
        }
    }

    #[test]
    fn a_token_of_another_key_or_another_length_is_refused() {
        let token = tokens().sign(&claims(5));
        assert_eq!(RefreshTokens::new(&[8; 32]).verify(&token), Err(TokenRefused));
        for wrong in ["", "x", "%%%", &token[..token.len() - 4], &format!("{token}AAAA"), &"A".repeat(4_000)] {
            assert_eq!(tokens().verify(wrong), Err(TokenRefused), "{wrong}");
        }
    }
}
