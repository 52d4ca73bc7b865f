//! Breakdowns: an item per scope and day. One job at a time writes them, so that they are
//! read, added to and written whole.

use std::collections::BTreeMap;

use domain::company::Company;
use domain::kernel::day::Day;
use domain::kernel::id::PersonId;
use domain::radar::breakdown::{Breakdown, Viewed};
use domain::radar::counter::Scope;
use domain::tracking::event::Target;
use serde::{Deserialize, Serialize};

use crate::keys::Key;
use crate::table::batch_get::ReadMode;
use crate::table::item::Item;
use crate::table::kinds::BREAKDOWN;
use crate::table::transaction::Transaction;
use crate::{Store, keys};
use domain::kernel::failure::Failure;

/// JSON texts: as maps they would be half as large again.
#[derive(Debug, Serialize, Deserialize)]
struct BreakdownItem {
    things: String,
    sharers: String,
}

type Things = Vec<(Target, i64, Option<String>)>;
type Sharers = BTreeMap<PersonId, i64>;

impl Store {
    /// A scope's breakdown of these days, added up.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when an item cannot be read.
    pub async fn breakdown(
        &self,
        company: Company,
        scope: Scope,
        (from, to): (Day, Day),
    ) -> Result<Breakdown, Failure> {
        let mut sum = Breakdown::default();
        for item in self.range(&keys::breakdowns(company, scope), keys::days(from, to)).await? {
            sum += decode(item)?;
        }
        Ok(sum)
    }

    /// These breakdowns added to the stored ones.
    pub(crate) async fn added(
        &self,
        company: Company,
        mut breakdowns: BTreeMap<(Scope, Day), Breakdown>,
    ) -> Result<BTreeMap<(Scope, Day), Breakdown>, Failure> {
        let places: BTreeMap<Key, (Scope, Day)> =
            breakdowns.keys().map(|place| (keys::breakdown(company, place.0, place.1), *place)).collect();
        let wanted: Vec<_> = places.keys().cloned().collect();
        for item in self.batch_get(company, &wanted, ReadMode::Consistent).await? {
            let place = Key::of(&item).and_then(|key| places.get(&key)).ok_or_else(|| BREAKDOWN.corrupt("key"))?;
            let later = breakdowns.remove(place).unwrap_or_default();
            let mut sum = decode(item)?;
            sum += later;
            sum.keep_the_greatest();
            breakdowns.insert(*place, sum);
        }
        Ok(breakdowns)
    }
}

fn decode(item: Item) -> Result<Breakdown, Failure> {
    let item: BreakdownItem = BREAKDOWN.decode(item)?;
    let things: Things = serde_json::from_str(&item.things).map_err(|error| BREAKDOWN.corrupt(error))?;
    let sharers: Sharers = serde_json::from_str(&item.sharers).map_err(|error| BREAKDOWN.corrupt(error))?;
    let things = things.into_iter().map(|(target, views, title)| (target, Viewed { views, title }));
    Ok(Breakdown { things: things.collect(), sharers })
}

/// Replaces the stored breakdown.
pub(crate) fn put_breakdown(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    (scope, day): (Scope, Day),
    breakdown: &Breakdown,
) -> Result<(), Failure> {
    let things: Things =
        breakdown.things.iter().map(|(target, viewed)| (*target, viewed.views, viewed.title.clone())).collect();
    let json = |error| BREAKDOWN.corrupt(error);
    let item = BreakdownItem {
        things: serde_json::to_string(&things).map_err(json)?,
        sharers: serde_json::to_string(&breakdown.sharers).map_err(json)?,
    };
    let item = BREAKDOWN.encode(&keys::breakdown(company, scope, day), &item)?;
    // No condition of its own: the progress of the leaderboards, in the same transaction, is one.
    transaction.replace(table, item);
    Ok(())
}
