//! Pages: `limit`, and an opaque cursor bound to the caller's company and the query.

use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{FromRequestParts, Query};
use data_encoding::BASE64URL_NOPAD;
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
/// First byte of a cursor: its layout.
const VERSION: u8 = 1;
/// Bytes of the digest that binds a cursor to its query.
const BINDING_LEN: usize = 8;

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
    cursor: Option<String>,
    binding: [u8; BINDING_LEN],
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
    /// `invalid_cursor` for a cursor of another query, or one that we did not make.
    pub fn position<P: FromStr>(&self) -> Result<Option<P>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let position = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok().and_then(|bytes| {
            let (version, rest) = bytes.split_first()?;
            let (binding, position) = rest.split_at_checked(BINDING_LEN)?;
            let ours = *version == VERSION && binding == self.binding;
            ours.then(|| std::str::from_utf8(position).ok()?.parse().ok()).flatten()
        });
        position.map(Some).ok_or_else(|| Problem::of(Code::InvalidCursor))
    }

    /// The page with these items; `next` is where the following page starts.
    pub fn page<T>(&self, items: Vec<T>, next: Option<impl ToString>) -> PageBody<T> {
        let cursor = |position: &str| {
            let bytes = [&[VERSION], &self.binding[..], position.as_bytes()].concat();
            BASE64URL_NOPAD.encode(&bytes)
        };
        PageBody { items, next_cursor: next.map(|next| cursor(&next.to_string())) }
    }
}

impl<S: Sync, F: DeserializeOwned> FromRequestParts<S> for Paging<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let query = parts.uri.query().unwrap_or_default();
        let of_page = |pair: &&str| pair.starts_with("limit=") || pair.starts_with("cursor=");
        let (page, rest): (Vec<_>, Vec<_>) = query.split('&').filter(|pair| !pair.is_empty()).partition(of_page);
        let PageParams { limit, cursor } = read(&page)?;
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Problem::of(Code::InvalidQuery));
        }
        let bound = format!("{} {} {}", caller.company().id(), parts.uri.path(), rest.join("&"));
        let mut binding = [0; BINDING_LEN];
        binding.copy_from_slice(&digest(&SHA256, bound.as_bytes()).as_ref()[..BINDING_LEN]);
        Ok(Self { limit, filter: read(&rest)?, cursor, binding })
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

    fn paging(cursor: Option<String>, binding: u8) -> Paging {
        Paging { limit: 20, filter: NoFilter {}, cursor, binding: [binding; BINDING_LEN] }
    }

    proptest! {
        #[test]
        fn any_position_reads_back_in_its_own_query_and_no_other(position in "\\PC{1,60}", own: u8, other: u8) {
            let next = paging(None, own).page(vec![0], Some(&position)).next_cursor;
            prop_assert_eq!(paging(next.clone(), own).position::<String>().ok().flatten(), Some(position));
            prop_assert_eq!(paging(next, other).position::<String>().is_ok(), own == other);
        }

        #[test]
        fn any_text_is_taken_for_a_cursor_without_panic(text in "\\PC{0,60}") {
            prop_assert!(paging(Some(text), 1).position::<u64>().is_err());
        }
    }

    #[test]
    fn a_cursor_leads_on_in_its_own_query_only() {
        let next = paging(None, 1).page(vec![0], Some("mem_7")).next_cursor;
        assert_eq!(paging(next.clone(), 1).position::<String>().unwrap(), Some("mem_7".to_owned()));
        assert_eq!(paging(next, 2).position::<String>().unwrap_err().code(), Code::InvalidCursor);
    }

    #[test]
    fn foreign_cursors_are_refused() {
        for bad in ["", "x", "AQ", "AQEBAQEBAQEB_w", "%%%", "中"] {
            assert_eq!(
                paging(Some(bad.to_owned()), 1).position::<u64>().unwrap_err().code(),
                Code::InvalidCursor,
                "{bad}"
            );
        }
    }
}
