//! Breakdowns: an item per scope, kind and day. Each holds the last page of the feed that is in it, so
//! that no page is added twice, whoever stops in between or comes at the same time.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::company::Company;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use domain::kernel::pack::Pack;
use domain::radar::breakdown::{Breakdown, BreakdownKind, BreakdownPlace};
use domain::radar::counter::{Period, Scope};
use domain::tracking::event::Target;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::keys::Key;
use crate::table::aside::PutAside;
use crate::table::batch_get::ReadMode;
use crate::table::error::failure;
use crate::table::item::{Item, layout_of, text};
use crate::table::kinds::BREAKDOWN;
use crate::{Store, keys};

/// Name of the attribute with the counts and titles as bytes.
const COUNTS: &str = "counts";
/// Name of the attribute with the last page of the feed that is in it.
const PAGE: &str = "page";
/// Items read, and written, at once: at most eight megabytes.
const TOGETHER: usize = 20;
/// Most people of a list who are looked up whether they have logged in since.
const ANONYMOUS_MAX: usize = 100;

/// A breakdown of several days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BreakdownOfDays {
    /// The days added up.
    pub sum: Breakdown,
    /// Days that cannot be read: they are left out.
    pub unreadable: BTreeSet<Day>,
}

/// A stored breakdown and the last page of the feed that is in it.
#[derive(Debug, Default)]
struct StoredBreakdown {
    page: Option<Uuid>,
    breakdown: Breakdown,
}

/// An item of layout 1: JSON texts.
#[derive(Debug, Serialize, Deserialize)]
struct MixedItem {
    things: String,
    sharers: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    anonymous: Option<String>,
}

impl Store {
    /// A scope's breakdown of one kind and these days, added up.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn breakdown(
        &self,
        company: Company,
        scope: Scope,
        kind: BreakdownKind,
        (from, to): (Day, Day),
    ) -> Result<BreakdownOfDays, Failure> {
        let mut of_days = BreakdownOfDays::default();
        for item in self.range(&keys::breakdowns(company, scope, kind), keys::days(from, to)).await? {
            let day = Key::of(&item).and_then(|key| keys::period_of(&key));
            match (decode(&item), day) {
                (Ok(stored), _) => of_days.sum.add_day(kind, &stored.breakdown),
                (Err(failure), Some(Period::Day(day))) => {
                    tracing::warn!(%day, cause = %failure, "a breakdown cannot be read");
                    of_days.unreadable.insert(day);
                }
                (Err(failure), _) => return Err(failure),
            }
        }
        Ok(of_days)
    }

    /// The forwards by person, with those before the login of people who have logged in since: of
    /// the hundred with the most forwards. One call, and up to two more if there are any.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when a person cannot be read.
    pub async fn sharers(&self, company: Company, scope: Scope, days: (Day, Day)) -> Result<BreakdownOfDays, Failure> {
        let mut sharers = self.breakdown(company, scope, BreakdownKind::Sharers, days).await?;
        for (person, customer) in self.people_now(company, &sharers.sum.top_anonymous(ANONYMOUS_MAX)).await? {
            if !customer.state.anonymous {
                sharers.sum.has_logged_in(person);
            }
        }
        Ok(sharers)
    }

    /// Adds pages to the stored breakdowns, each page once.
    ///
    /// # Errors
    /// [`Failure::Busy`] when somebody else adds to them.
    pub(crate) async fn add_to_breakdowns(
        &self,
        company: Company,
        breakdowns: BTreeMap<BreakdownPlace, Vec<(Uuid, Breakdown)>>,
        aside: &mut PutAside,
    ) -> Result<(), Failure> {
        let all: Vec<_> =
            breakdowns.into_iter().map(|(place, pages)| (keys::breakdown(company, place), place, pages)).collect();
        for some in all.chunks(TOGETHER) {
            let wanted: Vec<_> = some.iter().map(|(key, ..)| key.clone()).collect();
            let mut stored = BTreeMap::new();
            for item in self.batch_get(company, &wanted, ReadMode::Consistent).await? {
                let key = Key::of(&item).ok_or_else(|| BREAKDOWN.corrupt("key"))?;
                stored.insert(key.clone(), aside.pass(Some(key), decode(&item))?);
            }
            let writes = some.iter().filter_map(|(key, (_, kind, _), pages)| {
                let before = stored.remove(key).unwrap_or_else(|| Some(StoredBreakdown::default()))?;
                Some(self.put_breakdown(key, before.page, with_pages(before, *kind, pages)?))
            });
            for written in join_all(writes.collect::<Vec<_>>()).await {
                written?;
            }
        }
        Ok(())
    }

    /// Replaces a breakdown that holds everything up to the page `before`. One that holds everything up
    /// to the new page is the same: the answer to an attempt of before was lost.
    async fn put_breakdown(&self, key: &Key, before: Option<Uuid>, new: StoredBreakdown) -> Result<(), Failure> {
        let page = |page: Uuid| text(page.simple().to_string());
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(encode(key, &new)))
            .expression_attribute_names("#page", PAGE)
            .expression_attribute_values(":new", page(new.page.unwrap_or_default()));
        let put = match before {
            None => put
                .condition_expression("attribute_not_exists(#pk) OR #page = :new")
                .expression_attribute_names("#pk", keys::PK),
            Some(read) => put
                .condition_expression("#page = :read OR #page = :new")
                .expression_attribute_values(":read", page(read)),
        };
        put.send().await.map(drop).map_err(|error| match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Failure::Busy,
            _ => failure(error),
        })
    }

    /// Splits a scope's breakdowns of layout 1, which hold everything up to a page, by kind.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn split_breakdowns(
        &self,
        company: Company,
        scope: Scope,
        page: Uuid,
        aside: &mut PutAside,
    ) -> Result<(), Failure> {
        for item in self.all_latest(&keys::mixed_breakdowns(company, scope)).await? {
            let key = Key::of(&item).ok_or_else(|| BREAKDOWN.corrupt("key"))?;
            let Some(kinds) = aside.read(item, decode_mixed)? else { continue };
            let Some(Period::Day(day)) = keys::period_of(&key) else { continue };
            for (kind, breakdown) in kinds {
                let of_kind = keys::breakdown(company, (scope, kind, day));
                match self.put_breakdown(&of_kind, None, StoredBreakdown { page: Some(page), breakdown }).await {
                    // A run that stopped in between has split it.
                    Ok(()) | Err(Failure::Busy) => {}
                    Err(failure) => return Err(failure),
                }
            }
            let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key.attributes()));
            delete.send().await.map_err(failure)?;
        }
        Ok(())
    }
}

/// With the pages that are not in it yet; nothing when all are.
fn with_pages(
    StoredBreakdown { page, mut breakdown }: StoredBreakdown,
    kind: BreakdownKind,
    pages: &[(Uuid, Breakdown)],
) -> Option<StoredBreakdown> {
    let last = pages.iter().map(|(page, _)| *page).max().filter(|last| page.is_none_or(|page| page < *last))?;
    for (_, added) in pages.iter().filter(|(added, _)| page.is_none_or(|page| page < *added)) {
        breakdown.add_page(kind, added);
    }
    breakdown.cut(kind);
    Some(StoredBreakdown { page: Some(last), breakdown })
}

fn encode(key: &Key, StoredBreakdown { page, breakdown }: &StoredBreakdown) -> Item {
    let mut bytes = Vec::new();
    breakdown.pack(&mut bytes);
    let mut item = BREAKDOWN.item(key.clone());
    item.insert(COUNTS.to_owned(), AttributeValue::B(Blob::new(bytes)));
    item.extend(page.map(|page| (PAGE.to_owned(), text(page.simple().to_string()))));
    item
}

fn decode(item: &Item) -> Result<StoredBreakdown, Failure> {
    BREAKDOWN.check(item)?;
    let bytes = item.get(COUNTS).and_then(|counts| counts.as_b().ok()).ok_or_else(|| BREAKDOWN.corrupt(COUNTS))?;
    let mut rest = bytes.as_ref();
    let breakdown = Breakdown::unpack(&mut rest).filter(|_| rest.is_empty());
    let page = item.get(PAGE).map(|page| page.as_s().ok().and_then(|page| Uuid::try_parse(page).ok()));
    let page = page.map(|page| page.ok_or_else(|| BREAKDOWN.corrupt(PAGE))).transpose()?;
    Ok(StoredBreakdown { page, breakdown: breakdown.ok_or_else(|| BREAKDOWN.corrupt(COUNTS))? })
}

/// The breakdowns in an item of layout 1.
fn decode_mixed(item: Item) -> Result<BTreeMap<BreakdownKind, Breakdown>, Failure> {
    type Things = Vec<(Target, i64, Option<String>)>;
    type Sharers = BTreeMap<PersonId, i64>;
    if layout_of(&item) != Some(1) {
        return Err(BREAKDOWN.corrupt("all kinds in an item of another layout"));
    }
    let item: MixedItem = BREAKDOWN.decode(item)?;
    let json = |error| BREAKDOWN.corrupt(error);
    let things: Things = serde_json::from_str(&item.things).map_err(json)?;
    let sharers: Sharers = serde_json::from_str(&item.sharers).map_err(json)?;
    let anonymous: Sharers =
        item.anonymous.map_or(Ok(Sharers::new()), |text| serde_json::from_str(&text)).map_err(json)?;
    let count = |count: i64| u64::try_from(count).unwrap_or(0);
    let mut kinds = BTreeMap::<_, Breakdown>::new();
    for (thing, views, title) in things {
        if let Some((kind, id)) = BreakdownKind::of_thing(thing) {
            kinds.entry(kind).or_default().add_views(id, count(views), title);
        }
    }
    for (people, is_anonymous) in [(sharers, false), (anonymous, true)] {
        for (person, forwards) in people {
            kinds.entry(BreakdownKind::Sharers).or_default().add_forwards(person, count(forwards), is_anonymous);
        }
    }
    kinds.iter_mut().for_each(|(kind, breakdown)| breakdown.cut(*kind));
    Ok(kinds)
}

#[cfg(test)]
#[path = "breakdown_tests.rs"]
mod tests;
