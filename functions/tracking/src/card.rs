//! The cards of a company and their departments: read once a minute per card, not once per batch.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use domain::company::Company;
use domain::company::department::DepartmentPath;
use domain::kernel::failure::Failure;
use domain::kernel::id::CardId;
use domain::kernel::timestamp::{SECOND_MS, Timestamp};
use store::Store;

/// How long a found card, and its departments, are cached.
const KNOWN_MS: i64 = 60 * SECOND_MS;
/// Most cards remembered. At the limit all are forgotten, which costs one more read each.
const REMEMBERED_MAX: usize = 10_000;

/// When a card was read, and its departments.
type Seen = (Timestamp, DepartmentPath);

/// The cards that were read recently.
pub(crate) struct KnownCards {
    store: Store,
    seen: Mutex<HashMap<(Company, CardId), Seen>>,
}

impl KnownCards {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, seen: Mutex::default() }
    }

    /// The cards that exist in the company, each with its departments.
    pub(crate) async fn places(
        &self,
        company: Company,
        cards: &BTreeSet<CardId>,
        now: Timestamp,
    ) -> Result<BTreeMap<CardId, DepartmentPath>, Failure> {
        let mut places = self.seen_lately(company, cards, now);
        let asked: Vec<_> = cards.iter().filter(|card| !places.contains_key(card)).copied().collect();
        if asked.is_empty() {
            return Ok(places);
        }
        let found = self.store.paths_of_cards(company, &asked).await?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() + found.len() > REMEMBERED_MAX {
            seen.clear();
        }
        seen.extend(found.iter().map(|(card, path)| ((company, *card), (now, path.clone()))));
        places.extend(found);
        Ok(places)
    }

    fn seen_lately(
        &self,
        company: Company,
        cards: &BTreeSet<CardId>,
        now: Timestamp,
    ) -> BTreeMap<CardId, DepartmentPath> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |card: &CardId| {
            let (at, path) = seen.get(&(company, *card))?;
            (now.millis() - at.millis() < KNOWN_MS).then(|| (*card, path.clone()))
        };
        cards.iter().filter_map(known).collect()
    }
}
