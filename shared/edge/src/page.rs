//! Pages: `limit`, and an opaque cursor that only we can make, for one caller and one query.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use axum::extract::{FromRequestParts, Query};
use axum::{Extension, Router};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::problem::{Code, Problem};

/// Items on a page, unless asked otherwise.
const LIMIT_DEFAULT: u32 = 20;
/// The maximum number of items on a page.
const LIMIT_MAX: u32 = 100;
/// First byte of a cursor: its layout. Cursors of layout 1 had no key.
const VERSION: u8 = 2;
/// Bytes of a cursor's code: half of HMAC-SHA256.
const CODE_LEN: usize = 16;
/// Least bytes of a key.
const KEY_LEN_MIN: usize = 32;

/// The key of a stage's cursors (ADR 0021).
#[derive(Clone)]
pub struct CursorKey(hmac::Key);

/// The key of cursors is not base64 of at least 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key of cursors must be base64 of at least {KEY_LEN_MIN} bytes")]
pub struct WrongCursorKey;

impl CursorKey {
    /// The key of this base64 text.
    ///
    /// # Errors
    /// [`WrongCursorKey`]
    pub fn from_base64(text: &str) -> Result<Self, WrongCursorKey> {
        let bytes = BASE64.decode(text.as_bytes()).ok().filter(|bytes| bytes.len() >= KEY_LEN_MIN);
        bytes.map(|bytes| Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes))).ok_or(WrongCursorKey)
    }

    /// The code of a position in the list of `bound`. Neither text can reach into the other: the first
    /// one's length stands before it.
    fn code(&self, bound: &str, position: &[u8]) -> [u8; CODE_LEN] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&[VERSION]);
        context.update(&bound.len().to_be_bytes());
        context.update(bound.as_bytes());
        context.update(position);
        let mut code = [0; CODE_LEN];
        code.copy_from_slice(&context.sign().as_ref()[..CODE_LEN]);
        code
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey")
    }
}

/// The router, its lists with cursors of this key.
pub fn with_cursors(router: Router, key: CursorKey) -> Router {
    router.layer(Extension(key))
}

/// The query parameters of every list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// The maximum number of items on a page. 20 if absent.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the previous page. Leave it out for the first page.
    cursor: Option<String>,
}

/// For lists without a filter of their own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

/// The page a caller asks for, of a list with the filter `F`.
#[derive(Debug)]
pub struct Paging<F = NoFilter> {
    /// Most items in the answer.
    pub limit: u32,
    /// The filter of the items.
    pub filter: F,
    /// The position in the caller's cursor, whose code was right.
    after: Option<String>,
    /// Caller, path and filter, as a text.
    bound: String,
    key: CursorKey,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageBody<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page. `null` on the last page.
    pub next_cursor: Option<String>,
}

impl<F> Paging<F> {
    /// Where to start; `None` on the first page.
    ///
    /// # Errors
    /// `invalid_cursor` for a position that this version of the list does not have.
    pub fn position<P: FromStr>(&self) -> Result<Option<P>, Problem> {
        let position = self.after.as_deref().map(str::parse);
        position.transpose().map_err(|_| Problem::of(Code::InvalidCursor))
    }

    /// The page with these items; `next` is where the following page starts.
    pub fn page<T>(&self, items: Vec<T>, next: Option<impl ToString>) -> PageBody<T> {
        PageBody { items, next_cursor: next.map(|next| sealed(&self.key, &self.bound, &next.to_string())) }
    }
}

fn sealed(key: &CursorKey, bound: &str, position: &str) -> String {
    let code = key.code(bound, position.as_bytes());
    BASE64URL_NOPAD.encode(&[&[VERSION], &code[..], position.as_bytes()].concat())
}

/// The position in a cursor that we made for `bound`.
fn opened(key: &CursorKey, bound: &str, cursor: &str) -> Option<String> {
    let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?;
    let (code, position) = bytes.strip_prefix(&[VERSION])?.split_at_checked(CODE_LEN)?;
    verify_slices_are_equal(&key.code(bound, position), code).ok()?;
    String::from_utf8(position.to_vec()).ok()
}

/// A cursor that is not ours is refused here, before a handler has made any call.
impl<S: Sync, F: DeserializeOwned> FromRequestParts<S> for Paging<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let key = parts.extensions.get::<CursorKey>().cloned();
        let key = key.ok_or_else(|| Problem::of(Code::Internal).caused_by("the router has no key of cursors"))?;
        let query = parts.uri.query().unwrap_or_default();
        let of_page = |pair: &&str| pair.starts_with("limit=") || pair.starts_with("cursor=");
        let (page, rest): (Vec<_>, Vec<_>) = query.split('&').filter(|pair| !pair.is_empty()).partition(of_page);
        let PageParams { limit, cursor } = read(&page)?;
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Problem::of(Code::InvalidQuery));
        }
        let (company, person) = (caller.company().id(), caller.person());
        let bound = format!("{company} {person} {} {}", parts.uri.path(), rest.join("&"));
        let after = cursor.map(|cursor| opened(&key, &bound, &cursor).ok_or_else(|| Problem::of(Code::InvalidCursor)));
        Ok(Self { limit, filter: read(&rest)?, after: after.transpose()?, bound, key })
    }
}

fn read<T: DeserializeOwned>(pairs: &[&str]) -> Result<T, Problem> {
    let uri = format!("/?{}", pairs.join("&")).parse().map_err(|_| Problem::of(Code::InvalidQuery))?;
    Query::try_from_uri(&uri).map(|Query(read)| read).map_err(|_| Problem::of(Code::InvalidQuery))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> CursorKey {
        CursorKey::from_base64(&BASE64.encode(&[byte; KEY_LEN_MIN])).unwrap()
    }

    proptest! {
        #[test]
        fn any_position_reads_back_with_its_own_key_and_query_and_no_other(
            position in "\\PC{0,60}", own in 0_u8..3, other in 0_u8..3, bound in "\\PC{0,20}", elsewhere in "\\PC{0,20}",
        ) {
            let cursor = sealed(&key(own), &bound, &position);
            let same = own == other && bound == elsewhere;
            prop_assert_eq!(opened(&key(own), &bound, &cursor), Some(position.clone()));
            prop_assert_eq!(opened(&key(other), &elsewhere, &cursor), same.then_some(position));
        }

        #[test]
        fn any_text_is_taken_for_a_cursor_without_panic(text in "\\PC{0,60}") {
            prop_assert_eq!(opened(&key(1), "q", &text), None);
        }

        #[test]
        fn one_changed_bit_makes_a_cursor_foreign(position in "[a-z0-9 ]{0,30}", at: prop::sample::Index, bit in 0_u8..8) {
            let mut bytes = BASE64URL_NOPAD.decode(sealed(&key(1), "q", &position).as_bytes()).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(opened(&key(1), "q", &BASE64URL_NOPAD.encode(&bytes)), None);
        }

        #[test]
        fn query_and_position_do_not_reach_into_each_other(text in "[a-z0-9 ]{2,30}", at: prop::sample::Index, to: prop::sample::Index) {
            let (at, to) = (at.index(text.len()), to.index(text.len()));
            let code = |at: usize| key(1).code(&text[..at], &text.as_bytes()[at..]);
            prop_assert_eq!(code(at) == code(to), at == to);
        }
    }

    #[test]
    fn cursors_without_code_and_of_the_layout_before_are_refused() {
        let before = BASE64URL_NOPAD.encode(&[&[1; 9], &b"mem_7"[..]].concat());
        for bad in ["", "x", "Ag", "AgICAgICAgICAgICAgICAgIC", "%%%", "中", &before] {
            assert_eq!(opened(&key(1), "q", bad), None, "{bad}");
        }
    }

    #[test]
    fn a_key_is_base64_of_at_least_32_bytes() {
        for bad in ["", "AAAA", "%", &BASE64.encode(&[1; KEY_LEN_MIN - 1])] {
            assert_eq!(CursorKey::from_base64(bad).unwrap_err(), WrongCursorKey, "{bad}");
        }
    }
}
