//! Which cards exist: asked once a minute per card, not once per batch.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use domain::company::Company;
use domain::failure::Failure;
use domain::id::CardId;
use domain::timestamp::{SECOND_MS, Timestamp};
use store::Store;

/// How long a card that was seen is taken to exist.
const KNOWN_MS: i64 = 60 * SECOND_MS;
/// Most cards remembered; beyond that all are forgotten, which costs one more read each.
const REMEMBERED_MAX: usize = 10_000;

/// The cards that were seen lately.
pub(crate) struct KnownCards {
    store: Store,
    seen: Mutex<HashMap<(Company, CardId), Timestamp>>,
}

impl KnownCards {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, seen: Mutex::default() }
    }

    /// Those of the cards that do not exist in the company.
    pub(crate) async fn unknown(
        &self,
        company: Company,
        cards: &BTreeSet<CardId>,
        now: Timestamp,
    ) -> Result<BTreeSet<CardId>, Failure> {
        let mut unknown = self.not_seen(company, cards, now);
        if unknown.is_empty() {
            return Ok(unknown);
        }
        let asked: Vec<_> = unknown.iter().copied().collect();
        let existing = self.store.existing_cards(company, &asked).await?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() + existing.len() > REMEMBERED_MAX {
            seen.clear();
        }
        for card in existing {
            unknown.remove(&card);
            seen.insert((company, card), now);
        }
        Ok(unknown)
    }

    fn not_seen(&self, company: Company, cards: &BTreeSet<CardId>, now: Timestamp) -> BTreeSet<CardId> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |card: &CardId| seen.get(&(company, *card)).is_some_and(|at| now.millis() - at.millis() < KNOWN_MS);
        cards.iter().filter(|card| !fresh(card)).copied().collect()
    }
}
