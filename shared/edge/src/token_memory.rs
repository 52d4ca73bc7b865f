//! Tokens that were verified before, so that the next request of the same caller need not check
//! the signature again (ADR 0019).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use domain::kernel::timestamp::Timestamp;

/// Most tokens that are remembered, each with about 300 bytes.
const TOKENS_MAX: usize = 500;

/// SHA-256 of a whole token, signature included. The token itself is not kept: the memory holds
/// nothing that could be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    /// The digest of a token.
    pub(crate) fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

/// The claims of tokens whose signature, key, algorithm, type, issuer and audience were right. The
/// caller checks each time whether they are valid now.
#[derive(Debug)]
pub(crate) struct TokenMemory<T>(Mutex<HashMap<Digest, Remembered<T>>>);

/// The claims of a token, and when it expires.
#[derive(Debug)]
struct Remembered<T> {
    says: T,
    expires_at: Timestamp,
}

impl<T> Default for TokenMemory<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> TokenMemory<T> {
    /// The claims of a token that is remembered and has not expired.
    pub(crate) fn recall(&self, digest: Digest, now: Timestamp) -> Option<T> {
        let mut tokens = self.lock();
        let known = tokens.get(&digest)?;
        if now < known.expires_at {
            return Some(known.says.clone());
        }
        tokens.remove(&digest);
        None
    }

    /// Remembers a verified token. At the limit it forgets the tokens that have expired, and if
    /// there are none, all of them: they are verified once more.
    pub(crate) fn remember(&self, digest: Digest, says: &T, expires_at: Timestamp, now: Timestamp) {
        if expires_at <= now {
            return;
        }
        let mut tokens = self.lock();
        if tokens.len() >= TOKENS_MAX {
            tokens.retain(|_, known| now < known.expires_at);
        }
        if tokens.len() >= TOKENS_MAX {
            tokens.clear();
        }
        tokens.insert(digest, Remembered { says: says.clone(), expires_at });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Remembered<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }
}

#[cfg(test)]
mod tests {
    use domain::company::Company;
    use domain::kernel::id::{CompanyId, Id, PersonId};
    use uuid::Uuid;

    use super::*;
    use crate::token::{TOKEN_LIFE_MS, TokenClaims};

    fn claims(now: Timestamp) -> TokenClaims {
        let id = Uuid::from_u128(1);
        TokenClaims::new(Company::granted(CompanyId::from_uuid(id)), PersonId::from_uuid(id), now)
    }

    fn remember(memory: &TokenMemory<TokenClaims>, number: usize, now: Timestamp) {
        let claims = claims(now);
        memory.remember(Digest::of(&number.to_string()), &claims, claims.expires_at(), now);
    }

    #[test]
    fn a_token_is_recalled_until_it_expires_and_not_by_another_text() {
        let (memory, now) = (TokenMemory::default(), Timestamp::from_millis(0));
        remember(&memory, 7, now);
        assert_eq!(memory.recall(Digest::of("7"), now), Some(claims(now)));
        assert_eq!((memory.recall(Digest::of("8"), now), memory.recall(Digest::of(""), now)), (None, None));
        assert!(memory.recall(Digest::of("7"), now.plus_millis(TOKEN_LIFE_MS - 1)).is_some());
        assert_eq!(memory.recall(Digest::of("7"), now.plus_millis(TOKEN_LIFE_MS)), None);
        assert_eq!(memory.len(), 0, "what has expired is forgotten");
    }

    #[test]
    fn there_are_never_more_than_fit_and_the_expired_go_first() {
        let (memory, now) = (TokenMemory::default(), Timestamp::from_millis(0));
        remember(&memory, 0, now.plus_millis(1_000));
        (1..TOKENS_MAX).for_each(|number| remember(&memory, number, now));
        let later = now.plus_millis(TOKEN_LIFE_MS);
        remember(&memory, TOKENS_MAX, later);
        assert_eq!(memory.len(), 2);
        assert!(
            memory.recall(Digest::of("0"), later).is_some()
                && memory.recall(Digest::of(&TOKENS_MAX.to_string()), later).is_some()
        );
        for number in 1_000..5_000 {
            remember(&memory, number, later);
            assert!(memory.len() <= TOKENS_MAX);
            assert!(memory.recall(Digest::of(&number.to_string()), later).is_some());
        }
    }

    #[test]
    fn an_expired_token_is_not_remembered() {
        let (memory, now) = (TokenMemory::default(), Timestamp::from_millis(0));
        memory.remember(Digest::of("late"), &claims(now), claims(now).expires_at(), now.plus_millis(TOKEN_LIFE_MS));
        assert_eq!(memory.len(), 0);
    }
}
