//! The company's feed: pages that list the segments of one transaction each.
//!
//! An index over the segments would cost a write unit per batch; a page costs a
//! fraction of one, since a transaction holds many batches.

use std::collections::BTreeMap;

use domain::company::Company;
use domain::kernel::id::{CardId, PersonId, uuid_v7_millis};
use domain::kernel::timestamp::Timestamp;
use domain::radar::aggregate::{Segment, SegmentKey};
use domain::tracking::batch::BatchId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::keys::Key;
use crate::table::aside::PutAside;
use crate::table::batch_get::{KEYS_MAX, ReadMode};
use crate::table::item::Item;
use crate::table::kinds::FEED_PAGE;
use crate::table::read::Order;
use crate::tracking::log;
use crate::{Page, Store, keys};
use domain::kernel::failure::Failure;

#[derive(Debug, Serialize, Deserialize)]
struct FeedPage {
    /// JSON text of card, batch, person for each segment, in the order counted.
    segments: String,
}

type Reference = (CardId, BatchId, PersonId);

/// The position of a segment in the company's feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompanyFeedPosition {
    /// The page.
    pub page: Uuid,
    /// The segment's place in it, the newest is 0.
    pub segment: usize,
}

/// The item of a page.
pub(crate) fn encode(company: Company, page: Uuid, segments: &[SegmentKey]) -> Result<Item, Failure> {
    let references: Vec<Reference> = segments.iter().map(|key| (key.card, key.batch, key.person)).collect();
    let segments = serde_json::to_string(&references).map_err(|error| FEED_PAGE.corrupt(error))?;
    FEED_PAGE.encode(&keys::feed_page(company, page), &FeedPage { segments })
}

fn decode(item: Item) -> Result<Vec<(CompanyFeedPosition, SegmentKey)>, Failure> {
    let key = Key::of(&item).ok_or_else(|| FEED_PAGE.corrupt("key"))?;
    let page = Uuid::try_parse(&key.sk).map_err(|error| FEED_PAGE.corrupt(error))?;
    let FeedPage { segments } = FEED_PAGE.decode(item)?;
    let references: Vec<Reference> = serde_json::from_str(&segments).map_err(|error| FEED_PAGE.corrupt(error))?;
    let newest_first = references.into_iter().rev().enumerate();
    let segment =
        |(segment, (card, batch, person))| (CompanyFeedPosition { page, segment }, SegmentKey { card, batch, person });
    Ok(newest_first.map(segment).collect())
}

impl Store {
    /// Segments of the whole company from the last counted on, `start` included.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when a page or a segment cannot be read.
    pub async fn company_log(
        &self,
        company: Company,
        start: Option<CompanyFeedPosition>,
        limit: u32,
    ) -> Result<Page<(CompanyFeedPosition, Segment), CompanyFeedPosition>, Failure> {
        let limit = limit.min(u32::try_from(KEYS_MAX).unwrap_or(u32::MAX));
        // A key just above the wanted page includes it.
        let from = start.map(|start| keys::feed_page(company, start.page)).map(|key| Key { sk: key.sk + "~", ..key });
        // One page more than asked for: the first may be used up.
        let pages = self.query(&keys::feed(company), from, limit + 1, Order::NewestFirst).await?;
        let mut listed = Vec::new();
        for item in pages.items {
            listed.extend(decode(item)?);
        }
        listed.retain(|(at, _)| start.is_none_or(|start| at.page != start.page || at.segment >= start.segment));
        let mut next = listed.get(limit as usize).map(|(at, _)| *at);
        listed.truncate(limit as usize);
        if next.is_none() && pages.next.is_some() {
            next = listed.last().map(|(at, _)| CompanyFeedPosition { segment: at.segment + 1, ..*at });
        }
        Ok(Page { items: self.fetch(company, listed).await?, next })
    }

    /// At most `limit` pages after this one that were written by `until`, the first written
    /// first, each with its segments. Pages and segments that cannot be read are put aside; a page
    /// without any of its segments is still a page.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn feed_pages(
        &self,
        company: Company,
        after: Option<Uuid>,
        until: Timestamp,
        limit: u32,
        aside: &mut PutAside,
    ) -> Result<Vec<(Uuid, Vec<Segment>)>, Failure> {
        let start = after.map(|page| keys::feed_page(company, page));
        let pages = self.query(&keys::feed(company), start, limit, Order::OldestFirst).await?;
        let mut read = Vec::new();
        for item in pages.items {
            let page = Key::of(&item).and_then(|key| Uuid::try_parse(&key.sk).ok());
            if page.and_then(uuid_v7_millis).is_some_and(|ms| ms > until.millis()) {
                break;
            }
            let listed = aside.read(item, decode)?.unwrap_or_default();
            let segments = self.fetch_readable(company, &listed, aside).await?;
            read.extend(page.map(|page| (page, segments)));
        }
        Ok(read)
    }

    /// The segments of a page, the first counted first.
    async fn fetch_readable(
        &self,
        company: Company,
        listed: &[(CompanyFeedPosition, SegmentKey)],
        aside: &mut PutAside,
    ) -> Result<Vec<Segment>, Failure> {
        let wanted: Vec<_> = listed.iter().rev().map(|(_, key)| keys::segment(company, *key)).collect();
        let mut found = BTreeMap::new();
        for some in wanted.chunks(KEYS_MAX) {
            for item in self.batch_get(company, some, ReadMode::Eventual).await? {
                let key = Key::of(&item);
                found.extend(key.zip(aside.read(item, log::decode)?));
            }
        }
        Ok(wanted.iter().filter_map(|key| found.remove(key)).collect())
    }

    async fn fetch(
        &self,
        company: Company,
        listed: Vec<(CompanyFeedPosition, SegmentKey)>,
    ) -> Result<Vec<(CompanyFeedPosition, Segment)>, Failure> {
        let wanted: Vec<_> = listed.iter().map(|(_, key)| keys::segment(company, *key)).collect();
        let items = self.batch_get(company, &wanted, ReadMode::Eventual).await?;
        let mut segments: Vec<(CompanyFeedPosition, Segment)> = Vec::with_capacity(items.len());
        for item in items {
            let segment = log::decode(item)?;
            let at = listed.iter().find(|(_, key)| *key == segment.key).map(|(at, _)| *at);
            segments.extend(at.map(|at| (at, segment)));
        }
        segments.sort_by_key(|(at, _)| listed.iter().position(|(listed, _)| listed == at));
        Ok(segments)
    }
}
