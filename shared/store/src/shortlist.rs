//! Shortlists: an item per scope with its most likely customers, brought up to date with
//! the boards.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::close_rate::{Model, Rank};
use domain::company::Company;
use domain::counter::{Counts, Period, Scope};
use domain::customer::CustomerState;
use domain::day::Day;
use domain::failure::Failure;
use domain::id::{Id, PersonId};
use domain::shortlist::{Shortlist, Standing};
use uuid::Uuid;

use crate::batch_get::Read;
use crate::counters::counts_of;
use crate::item::{Item, Kind};
use crate::keys::Key;
use crate::transaction::Transaction;
use crate::{Store, keys};

const SHORTLIST: Kind = Kind::new("shortlist", 1);

/// Name of the attribute with the entries: for each 16 bytes of the person's id and
/// [`RANK_BYTES`] of his rank. As text it would be twice as large.
const ENTRIES: &str = "entries";
/// A rank is below 2^44.
const RANK_BYTES: usize = 6;
const ENTRY_BYTES: usize = 16 + RANK_BYTES;

impl Store {
    /// The shortlist of a scope and its lifetime counters; empty before the first visit.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when an item cannot be read.
    pub async fn shortlist(&self, company: Company, scope: Scope) -> Result<(Shortlist, Counts), Failure> {
        let list = keys::shortlist(company, scope);
        let lifetime = keys::counter(company, scope, Period::Lifetime);
        let (mut shortlist, mut counts) = (Shortlist::default(), Counts::new());
        for item in self.batch_get(&[list.clone(), lifetime], Read::Eventual).await? {
            match Key::of(&item).ok_or_else(|| SHORTLIST.corrupt("key"))? {
                key if key == list => shortlist = decode(&item)?,
                _ => counts = counts_of(&item)?,
            }
        }
        Ok((shortlist, counts))
    }

    /// The stored shortlists of these scopes, with what these people have done by now.
    pub(crate) async fn shortlists_after(
        &self,
        company: Company,
        visitors: &BTreeMap<Scope, BTreeSet<PersonId>>,
        today: Day,
    ) -> Result<BTreeMap<Scope, Shortlist>, Failure> {
        let places: BTreeMap<Key, Scope> =
            visitors.keys().map(|scope| (keys::shortlist(company, *scope), *scope)).collect();
        let mut lists: BTreeMap<Scope, Shortlist> =
            visitors.keys().map(|scope| (*scope, Shortlist::default())).collect();
        let wanted: Vec<_> = places.keys().cloned().collect();
        for item in self.batch_get(&wanted, Read::Consistent).await? {
            let scope = Key::of(&item).and_then(|key| places.get(&key)).ok_or_else(|| SHORTLIST.corrupt("key"))?;
            lists.insert(*scope, decode(&item)?);
        }
        let persons: BTreeSet<_> = visitors.values().flatten().copied().collect();
        let people = self.people(company, persons).await?;
        let model = Model::default();
        for (scope, list) in &mut lists {
            let concerned = visitors.get(scope).into_iter().flatten().filter_map(|person| people.get(person));
            list.update(&concerned.map(|person| person.standing(*scope, &model, today)).collect::<Vec<_>>());
            list.prune(&model, today);
        }
        Ok(lists)
    }

    /// What all identities of each of these persons have done together.
    async fn people(
        &self,
        company: Company,
        persons: BTreeSet<PersonId>,
    ) -> Result<BTreeMap<PersonId, Person>, Failure> {
        let persons: Vec<_> = persons.into_iter().collect();
        let mut known = BTreeMap::new();
        for (person, customer) in self.customers(company, &persons).await? {
            known.insert(person, customer?);
        }
        let person = |id: PersonId| {
            let mut identities = known.get(&id)?.ties.group.members();
            identities.insert(id);
            let parts = identities.iter().filter_map(|identity| known.get(identity)).map(|part| &part.state);
            let state = CustomerState::union(parts);
            Some((id, Person { first: identities.pop_first()?, others: identities, state }))
        };
        Ok(persons.into_iter().filter_map(person).collect())
    }
}

/// A person with all of his identities.
struct Person {
    first: PersonId,
    others: BTreeSet<PersonId>,
    state: CustomerState,
}

impl Person {
    fn standing(&self, scope: Scope, model: &Model, today: Day) -> Standing {
        let evidence = match scope {
            Scope::Card(card) => self.state.evidence_on(card),
            // Boards are kept of cards and the company; of a department nobody asks.
            Scope::Company | Scope::Department(_) => self.state.evidence(),
        };
        Standing { person: self.first, others: self.others.clone(), rank: model.rank(&evidence.on(today)) }
    }
}

/// Puts a shortlist in the place of the stored one.
pub(crate) fn put_shortlist(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    scope: Scope,
    shortlist: &Shortlist,
) {
    let entry = |(person, rank): (PersonId, Rank)| {
        let rank = rank.number().to_be_bytes();
        [&person.uuid().as_bytes()[..], &rank[rank.len() - RANK_BYTES..]].concat()
    };
    let entries: Vec<u8> = shortlist.iter().flat_map(entry).collect();
    let mut item: Item = keys::shortlist(company, scope).attributes().into_iter().chain(SHORTLIST.tags()).collect();
    item.insert(ENTRIES.to_owned(), AttributeValue::B(Blob::new(entries)));
    // No condition of its own: the progress of the boards, in the same transaction, is one.
    transaction.replace(table, item);
}

fn decode(item: &Item) -> Result<Shortlist, Failure> {
    SHORTLIST.check(item)?;
    let entries =
        item.get(ENTRIES).and_then(|entries| entries.as_b().ok()).ok_or_else(|| SHORTLIST.corrupt(ENTRIES))?;
    let (whole, rest) = entries.as_ref().as_chunks::<ENTRY_BYTES>();
    if !rest.is_empty() {
        return Err(SHORTLIST.corrupt("an entry is cut off"));
    }
    whole.iter().map(entry).collect::<Option<_>>().ok_or_else(|| SHORTLIST.corrupt("entry"))
}

fn entry(bytes: &[u8; ENTRY_BYTES]) -> Option<(PersonId, Rank)> {
    let (id, rank) = bytes.split_first_chunk::<16>()?;
    let rank = rank.iter().fold(0, |number, byte| number << 8 | i64::from(*byte));
    Some((PersonId::from_uuid(Uuid::from_bytes(*id)), Rank::from_number(rank)))
}
