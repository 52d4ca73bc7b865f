//! What ingest remembers: the cards of a company with their departments and its share codes, read
//! once a minute and not once per batch; and the batch ids that it has accepted.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use domain::company::Company;
use domain::company::department::DepartmentPath;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, PersonId};
use domain::kernel::text::ShareCode;
use domain::kernel::timestamp::{SECOND_MS, Timestamp};
use domain::tracking::batch::{AcceptedBatch, BatchId};
use store::Store;

use crate::new_batch::SentEvent;

/// How long a found card, its departments, and a found share code are remembered.
const KNOWN_MS: i64 = 60 * SECOND_MS;
/// Most of each that are remembered. At the limit all are forgotten.
const REMEMBERED_MAX: usize = 10_000;
/// Most share codes of a batch that are looked up: a visitor comes by one and makes a new one
/// with each forward.
const CODES_MAX: usize = 20;

/// Values by key, as many as [`REMEMBERED_MAX`].
struct Recent<K, V>(Mutex<HashMap<K, V>>);

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    fn get(&self, key: &K) -> Option<V> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn note(&self, key: K, value: V) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED_MAX {
            seen.clear();
        }
        seen.insert(key, value);
    }
}

/// The cards and share codes that were read recently, and the batches that were accepted.
pub(crate) struct Known {
    store: Store,
    cards: Recent<(Company, CardId), (Timestamp, DepartmentPath)>,
    /// Whether a code exists. None can be sent before it is made, so the answer may be no.
    codes: Recent<(Company, ShareCode), (Timestamp, bool)>,
    batches: Recent<(PersonId, BatchId), String>,
}

/// What exists of the things that a batch names.
pub(crate) struct Existing {
    /// The cards, each with its departments.
    pub(crate) cards: BTreeMap<CardId, DepartmentPath>,
    /// The share codes.
    pub(crate) codes: BTreeSet<ShareCode>,
}

impl Known {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, cards: Recent::default(), codes: Recent::default(), batches: Recent::default() }
    }

    /// The cards and share codes that exist in the company. At most one call.
    pub(crate) async fn existing(
        &self,
        company: Company,
        sent: &[SentEvent],
        now: Timestamp,
    ) -> Result<Existing, Failure> {
        let cards: BTreeSet<_> = sent.iter().map(|sent| sent.event.card).collect();
        let codes: BTreeSet<_> = sent.iter().filter_map(|sent| sent.event.share_code.as_ref()).collect();
        let is_fresh = |at: &Timestamp| now.millis() - at.millis() < KNOWN_MS;
        let card = |card: &CardId| Some((*card, self.cards.get(&(company, *card)).filter(|(at, _)| is_fresh(at))?.1));
        let code = |code: &ShareCode| self.codes.get(&(company, code.clone())).filter(|(at, _)| is_fresh(at));
        let seen: BTreeMap<_, _> = codes.iter().filter_map(|asked| Some((*asked, code(asked)?.1))).collect();
        let mut existing = Existing {
            cards: cards.iter().filter_map(card).collect(),
            codes: seen.iter().filter(|(_, exists)| **exists).map(|(code, _)| (*code).clone()).collect(),
        };
        let new_cards: Vec<_> = cards.iter().filter(|card| !existing.cards.contains_key(card)).copied().collect();
        let new_codes = codes.iter().filter(|code| !seen.contains_key(*code)).take(CODES_MAX);
        let new_codes: Vec<_> = new_codes.map(|code| (*code).clone()).collect();
        if new_cards.is_empty() && new_codes.is_empty() {
            return Ok(existing);
        }
        let (found, shared) = self.store.places_of_cards(company, &new_cards, &new_codes).await?;
        found.iter().for_each(|(card, path)| self.cards.note((company, *card), (now, path.clone())));
        for code in &new_codes {
            self.codes.note((company, code.clone()), (now, shared.contains(code)));
        }
        existing.cards.extend(found);
        existing.codes.extend(shared);
        Ok(existing)
    }

    /// Whether other events were accepted under the batch id, as far as this environment knows. The
    /// aggregator finds the others.
    pub(crate) fn is_reused(&self, person: PersonId, batch: BatchId, fingerprint: &str) -> bool {
        self.batches.get(&(person, batch)).is_some_and(|accepted| accepted != fingerprint)
    }

    /// Remembers an accepted batch.
    pub(crate) fn note_accepted(&self, batch: &AcceptedBatch) {
        self.batches.note((batch.person, batch.batch), batch.fingerprint.clone());
    }
}
