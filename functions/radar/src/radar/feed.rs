//! `GET /v1/radar/…/feed`: the events of visitors, the newest first.

use std::fmt;
use std::str::FromStr;

use axum::Json;
use axum::extract::State;
use domain::kernel::id::{CardId, Id, PersonId};
use domain::radar::aggregate::{Segment, SegmentKey};
use domain::tracking::batch::BatchId;
use domain::tracking::event::Event;
use edge::access::RadarScope;
use edge::feed::{FeedLine, feed_line, newest_first, sort_by_receipt};
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::Problem;
use store::CompanyFeedPosition;
use uuid::Uuid;

use crate::App;
use crate::radar::feed_query::FeedQuery;

/// Batches read for one page of a filtered feed.
pub(crate) const FILTER_READ_MAX: u32 = 200;

/// Where a page of a feed starts: a position in the log and a line of its segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FeedPosition<P> {
    pub(crate) place: P,
    line: usize,
}

/// List events on a card
///
/// Lists the events on a card, the latest batch first by the time in its id. Each page is sorted by
/// `received_at`, then `at`, newest first; what came in late is marked `late`. A page with a filter
/// can be short without being the last: continue while `next_cursor` is not null. Callers: the card's owner, admins and
/// the boss, while their own radar is on. Idempotent. Errors: 404 `not_found` for other callers;
/// 403 `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/cards/{card_id}/feed", tag = "radar", params(PageParams, FeedQuery),
    responses((status = 200, body = PageBody<FeedLine>)))]
pub(crate) async fn get_card_feed(
    State(app): State<App>,
    // Before the scope, which may read the table.
    paging: Paging<FeedQuery>,
    scope: RadarScope,
    PathId(card): PathId<CardId>,
) -> Result<Json<PageBody<FeedLine>>, Problem> {
    let start: Option<FeedPosition<InLog>> = paging.position()?;
    let newest = paging.filter.newest_batch().map(|batch| InLog(batch, PersonId::from_uuid(Uuid::max())));
    let from = start.map(|start| start.place).or(newest).map(|place| place.key(card));
    let log = app.store.card_log(scope.company(), card, from, looked_through(&paging)).await?;
    let segments = log.items.into_iter().map(|segment| (InLog::of(segment.key), segment)).collect();
    let (mut lines, next) = page(&paging, segments, start, log.next.is_some());
    sort_by_receipt(&mut lines);
    Ok(Json(paging.page(lines, next)))
}

/// List events on all cards
///
/// Lists the events on all cards, the last counted batch first. Each page is sorted by
/// `received_at`, then `at`, newest first; what came in late is marked `late`. A page with a
/// filter can be short without being the last: continue while `next_cursor` is not null. Callers: admins and the boss,
/// while their own radar is on. Idempotent. Errors: 404 `not_found` for other callers; 403
/// `radar_not_active` while the radar of the caller is off.
#[utoipa::path(get, path = "/v1/radar/company/feed", tag = "radar", params(PageParams, FeedQuery),
    responses((status = 200, body = PageBody<FeedLine>)))]
pub(crate) async fn get_company_feed(
    State(app): State<App>,
    scope: RadarScope,
    paging: Paging<FeedQuery>,
) -> Result<Json<PageBody<FeedLine>>, Problem> {
    let start: Option<FeedPosition<InFeed>> = paging.position()?;
    let newest = paging.filter.newest_page().map(|page| CompanyFeedPosition { page, segment: 0 });
    let from = start.map(|start| start.place.0).or(newest);
    let log = app.store.company_log(scope.company(), from, looked_through(&paging)).await?;
    let segments = log.items.into_iter().map(|(at, segment)| (InFeed(at), segment)).collect();
    let (mut lines, next) = page(&paging, segments, start, log.next.is_some());
    // Batches that arrive together are counted in any order.
    sort_by_receipt(&mut lines);
    Ok(Json(paging.page(lines, next)))
}

/// How many batches to read for a page.
fn looked_through(paging: &Paging<FeedQuery>) -> u32 {
    // One more than wanted: the lines of the first may be used up.
    if paging.filter.is_narrow() { FILTER_READ_MAX } else { paging.limit + 1 }
}

/// The wanted lines from `start` on, and where the next page starts; `more` is whether there are
/// more segments.
fn page<P: Copy + PartialEq>(
    paging: &Paging<FeedQuery>,
    segments: Vec<(P, Segment)>,
    start: Option<FeedPosition<P>>,
    more: bool,
) -> (Vec<FeedLine>, Option<FeedPosition<P>>) {
    let oldest = segments.iter().map(|(_, segment)| segment.received_at.millis()).min();
    let more = more && !oldest.is_some_and(|ms| paging.filter.is_over(ms));
    let wants = |person, event: &Event| paging.filter.wants(person, event);
    lines((paging.limit, wants), segments, start, more)
}

/// The first wanted lines from `start` on, at most `limit`, and where the next page starts.
pub(crate) fn lines<P: Copy + PartialEq>(
    (limit, wants): (u32, impl Fn(PersonId, &Event) -> bool),
    segments: Vec<(P, Segment)>,
    start: Option<FeedPosition<P>>,
    more: bool,
) -> (Vec<FeedLine>, Option<FeedPosition<P>>) {
    let mut lines = Vec::new();
    let mut last = None;
    for (place, segment) in segments {
        let skipped = start.filter(|start| start.place == place).map_or(0, |start| start.line);
        let newest_first = newest_first(&segment);
        for (line, event) in newest_first.iter().enumerate().skip(skipped) {
            if !wants(segment.key.person, event) {
                continue;
            }
            if lines.len() == limit as usize {
                return (lines, Some(FeedPosition { place, line }));
            }
            lines.push(feed_line(&segment, event, newest_first.len() - line));
        }
        last = Some(FeedPosition { place, line: newest_first.len() });
    }
    (lines, last.filter(|_| more))
}

/// A position in a card's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InLog(BatchId, PersonId);

/// A position in the company's feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct InFeed(CompanyFeedPosition);

impl InLog {
    pub(crate) fn of(key: SegmentKey) -> Self {
        Self(key.batch, key.person)
    }

    pub(crate) fn key(self, card: CardId) -> SegmentKey {
        SegmentKey { card, batch: self.0, person: self.1 }
    }
}

impl fmt::Display for FeedPosition<InLog> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.place.0.uuid(), self.place.1, self.line)
    }
}

impl FromStr for FeedPosition<InLog> {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, ' ');
        let mut part = || parts.next().ok_or(());
        let batch = BatchId::from_uuid(Uuid::try_parse(part()?).map_err(drop)?);
        let person = part()?.parse().map_err(drop)?;
        Ok(Self { place: InLog(batch, person), line: part()?.parse().map_err(drop)? })
    }
}

impl fmt::Display for FeedPosition<InFeed> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.place.0.page, self.place.0.segment, self.line)
    }
}

impl FromStr for FeedPosition<InFeed> {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, ' ');
        let mut part = || parts.next().ok_or(());
        let page = Uuid::try_parse(part()?).map_err(drop)?;
        let segment = part()?.parse().map_err(drop)?;
        let line = part()?.parse().map_err(drop)?;
        Ok(Self { place: InFeed(CompanyFeedPosition { page, segment }), line })
    }
}
