//! Shortlists: an item per scope with its most likely customers, brought up to date with the
//! leaderboards and whenever a member records something of a customer. Each item keeps to its own
//! model, whichever is in force by now.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::close_rate::model::Model;
use domain::close_rate::rank_share::RankSpread;
use domain::close_rate::shortlist::{RankKey, RankUpdate, Shortlist};
use domain::company::Company;
use domain::crm::identities::MergedCustomer;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{Id, PersonId};
use domain::kernel::pack::Pack;
use domain::kernel::timestamp::Timestamp;
use domain::radar::counter::{Counts, Period, Scope};
use domain::radar::rhythm::{PagedRhythm, VisitPages};
use uuid::Uuid;

use crate::keys::Key;
use crate::radar::counter::counts_of;
use crate::table::aside::PutAside;
use crate::table::batch_get::{KEYS_MAX, ReadMode};
use crate::table::item::{Item, number, text};
use crate::table::kinds::SHORTLIST;
use crate::table::transaction::{Cancelled, Transaction, at_version};
use crate::{Store, keys};

/// Name of the attribute with the entries: for each, 16 bytes of the person's id and
/// [`PLACE_BYTES`] of their rank key. As text it would be twice as large.
const ENTRIES: &str = "entries";
/// A rank key is below 2^45.
const PLACE_BYTES: usize = 6;
const ENTRY_BYTES: usize = 16 + PLACE_BYTES;
/// Name of the attribute that is raised by one with every write.
const VERSION: &str = "version";
/// Name of the attribute with the model as JSON; without it, it is the default one.
const MODEL: &str = "model";

/// Name of the attribute with the rhythm of the scope's customers, and the last page of the feed in it.
const RHYTHM: &str = "rhythm";
/// Name of the attribute with the spread of all customers, as of the last retraining.
const SPREAD: &str = "spread";

/// Most shortlists written together: they are two megabytes at most, of the four of a transaction.
const LISTS_TOGETHER: usize = 45;

/// A shortlist and the version it was read at; 0 = never written, or in layout 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredShortlist {
    /// The list.
    pub list: Shortlist,
    /// When the customers of the scope are there.
    pub rhythm: PagedRhythm,
    /// All of its customers at the last retraining.
    pub spread: RankSpread,
    version: u64,
}

impl StoredShortlist {
    /// The same item with another list and spread.
    #[must_use]
    pub fn with(&self, list: Shortlist, spread: RankSpread) -> Self {
        Self { list, spread, ..self.clone() }
    }
}

/// A person with all of their identities.
#[derive(Debug, Clone)]
pub struct ShortlistCandidate {
    first: PersonId,
    others: BTreeSet<PersonId>,
    person: MergedCustomer,
}

impl ShortlistCandidate {
    /// The identity they are listed under: the first of all.
    pub fn id(&self) -> PersonId {
        self.first
    }

    /// All of their identities.
    pub fn identities(&self) -> impl Iterator<Item = PersonId> {
        self.others.iter().copied().chain([self.first])
    }

    /// Whether they are a customer of the company.
    pub fn is_customer(&self) -> bool {
        self.person.state.is_customer_in(Scope::Company)
    }

    /// The day of their first deal in the company.
    pub fn closed_on(&self) -> Option<Day> {
        self.person.opportunity.closed_on(Scope::Company)
    }

    /// The lists they may be on.
    pub fn scopes(&self) -> impl Iterator<Item = Scope> {
        self.person.state.cards.keys().map(|card| Scope::Card(*card)).chain([Scope::Company])
    }

    /// Their rank in a list by this model.
    pub fn rank_update(&self, scope: Scope, model: &Model, today: Day) -> RankUpdate {
        let place = self.person.rank_key(scope, model, today);
        RankUpdate { person: self.first, others: self.others.clone(), place }
    }
}

impl Store {
    /// The shortlist of a scope and its lifetime counters; empty before the first visit.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when an item cannot be read.
    pub async fn shortlist(&self, company: Company, scope: Scope) -> Result<(Shortlist, Counts), Failure> {
        let list = keys::shortlist(company, scope);
        let lifetime = keys::counter(company, scope, Period::Lifetime);
        let (mut shortlist, mut counts) = (Shortlist::default(), Counts::new());
        for item in self.batch_get(company, &[list.clone(), lifetime], ReadMode::Eventual).await? {
            match Key::of(&item).ok_or_else(|| SHORTLIST.corrupt("key"))? {
                key if key == list => shortlist = decode(&item)?.list,
                _ => counts = counts_of(&item)?,
            }
        }
        Ok((shortlist, counts))
    }

    /// The stored shortlists of these scopes, as of the last write; none of a scope whose list is put
    /// aside.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn shortlists(
        &self,
        company: Company,
        scopes: &[Scope],
        aside: &mut PutAside,
    ) -> Result<BTreeMap<Scope, Option<StoredShortlist>>, Failure> {
        let places: BTreeMap<Key, Scope> = scopes.iter().map(|s| (keys::shortlist(company, *s), *s)).collect();
        let mut lists = BTreeMap::new();
        for wanted in Vec::from_iter(places.keys().cloned()).chunks(KEYS_MAX) {
            for item in self.batch_get(company, wanted, ReadMode::Consistent).await? {
                let key = Key::of(&item).ok_or_else(|| SHORTLIST.corrupt("key"))?;
                let scope = places.get(&key).ok_or_else(|| SHORTLIST.corrupt("key"))?;
                lists.insert(*scope, aside.pass(Some(key), decode(&item))?);
            }
        }
        Ok(lists)
    }

    /// Replaces the stored shortlist.
    ///
    /// # Errors
    /// [`Failure::Busy`] when it has changed since it was read.
    pub async fn replace_shortlist(
        &self,
        company: Company,
        scope: Scope,
        list: &StoredShortlist,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        put_shortlist(&mut transaction, &self.table, company, scope, list)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// The stored shortlists of these scopes, with the present data of these people. A new list
    /// is by the model in force.
    pub(crate) async fn shortlists_after(
        &self,
        company: Company,
        visitors: &BTreeMap<Scope, BTreeSet<PersonId>>,
        today: Day,
        aside: &mut PutAside,
    ) -> Result<BTreeMap<Scope, StoredShortlist>, Failure> {
        let mut lists = self.shortlists(company, &Vec::from_iter(visitors.keys().copied()), aside).await?;
        if lists.len() < visitors.len() {
            let model = self.model_in_force(company).await?;
            for scope in visitors.keys() {
                let list = Shortlist::new(model.clone(), []);
                let begun = || StoredShortlist { list, ..StoredShortlist::default() };
                lists.entry(*scope).or_insert_with(|| Some(begun()));
            }
        }
        let mut lists: BTreeMap<_, _> = lists.into_iter().filter_map(|(scope, list)| Some((scope, list?))).collect();
        let persons: BTreeSet<_> = visitors.values().flatten().copied().collect();
        let people = self.people(company, persons, aside).await?;
        for (scope, StoredShortlist { list, .. }) in &mut lists {
            let concerned = visitors.get(scope).into_iter().flatten().filter_map(|person| people.get(person));
            let model = list.model().clone();
            list.update(concerned.map(|person| person.rank_update(*scope, &model, today)));
            list.prune(today);
        }
        Ok(lists)
    }

    /// Writes the lists of these scopes with the present data of these people; returns a transaction
    /// with the last of them, to which the caller adds what must not come before. Visits that are not in
    /// their rhythm yet are added.
    pub(crate) async fn put_shortlists(
        &self,
        company: Company,
        (people, visits): (&BTreeMap<Scope, BTreeSet<PersonId>>, &BTreeMap<Scope, VisitPages>),
        today: Day,
        aside: &mut PutAside,
    ) -> Result<Transaction, Failure> {
        let mut transaction = Transaction::default();
        for (scope, mut list) in self.shortlists_after(company, people, today, aside).await? {
            visits.get(&scope).into_iter().for_each(|pages| list.rhythm.add(pages));
            if transaction.len() == LISTS_TOGETHER {
                self.commit(company, std::mem::take(&mut transaction)).await.map_err(Cancelled::into_failure)?;
            }
            put_shortlist(&mut transaction, &self.table, company, scope, &list)?;
        }
        Ok(transaction)
    }

    /// The same with nothing after it.
    pub(crate) async fn refresh_shortlists(
        &self,
        company: Company,
        people: &BTreeMap<Scope, BTreeSet<PersonId>>,
        now: Timestamp,
        aside: &mut PutAside,
    ) -> Result<(), Failure> {
        let nothing = BTreeMap::new();
        let transaction = self.put_shortlists(company, (people, &nothing), Day::of(now), aside).await?;
        if transaction.len() == 0 {
            return Ok(());
        }
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// The state and the opportunity of each of these persons, all identities together; an unknown
    /// person is nobody's customer. A person of whom an identity is put aside is left out.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn people(
        &self,
        company: Company,
        persons: BTreeSet<PersonId>,
        aside: &mut PutAside,
    ) -> Result<BTreeMap<PersonId, ShortlistCandidate>, Failure> {
        let persons: Vec<_> = persons.into_iter().collect();
        let mut known = BTreeMap::new();
        let mut unreadable = BTreeSet::new();
        for (person, customer) in self.customers(company, &persons).await? {
            match aside.customer(company, person, customer)? {
                Some(customer) => drop(known.insert(person, customer)),
                None => drop(unreadable.insert(person)),
            }
        }
        let person = |id: PersonId| {
            let mut identities = known.get(&id).map(|customer| customer.links.group.members()).unwrap_or_default();
            identities.insert(id);
            if !identities.is_disjoint(&unreadable) {
                return None;
            }
            let parts: Vec<_> = identities.iter().filter_map(|identity| known.get(identity)).collect();
            let person = MergedCustomer::of(parts.into_iter());
            Some((id, ShortlistCandidate { first: identities.pop_first()?, others: identities, person }))
        };
        Ok(persons.into_iter().filter_map(person).collect())
    }
}

/// Replaces the stored shortlist, on condition that it is still the one that was read.
pub(crate) fn put_shortlist(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    scope: Scope,
    StoredShortlist { list, rhythm, spread, version }: &StoredShortlist,
) -> Result<(), Failure> {
    let entry = |(person, place): (PersonId, RankKey)| {
        let place = place.number().to_be_bytes();
        [&person.uuid().as_bytes()[..], &place[place.len() - PLACE_BYTES..]].concat()
    };
    let entries: Vec<u8> = list.iter().flat_map(entry).collect();
    let mut item: Item = keys::shortlist(company, scope).attributes().into_iter().chain(SHORTLIST.tags()).collect();
    item.insert(ENTRIES.to_owned(), AttributeValue::B(Blob::new(entries)));
    item.insert(VERSION.to_owned(), number(version + 1));
    if *rhythm != PagedRhythm::default() {
        item.insert(RHYTHM.to_owned(), packed(rhythm));
    }
    if *spread != RankSpread::default() {
        item.insert(SPREAD.to_owned(), packed(spread));
    }
    if *list.model() != Model::default() {
        let model = serde_json::to_string(list.model()).map_err(|error| SHORTLIST.corrupt(error))?;
        item.insert(MODEL.to_owned(), text(model));
    }
    // An item of layout 1 has no version: it was read as 0, too.
    let (condition, values) = match version {
        0 => ("attribute_not_exists(#pk) OR attribute_not_exists(version)", Item::new()),
        read => at_version(*read),
    };
    transaction.put(table, item, condition, values, Failure::Busy);
    Ok(())
}

fn packed(value: &impl Pack) -> AttributeValue {
    let mut bytes = Vec::new();
    value.pack(&mut bytes);
    AttributeValue::B(Blob::new(bytes))
}

/// The value of an attribute that came later: a default one without it.
fn unpacked<T: Pack + Default>(item: &Item, name: &'static str) -> Result<T, Failure> {
    let Some(attribute) = item.get(name) else { return Ok(T::default()) };
    let bytes = attribute.as_b().map_err(|_| SHORTLIST.corrupt(name))?;
    T::unpack(&mut bytes.as_ref()).ok_or_else(|| SHORTLIST.corrupt(name))
}

/// The list of an item.
pub(crate) fn decode(item: &Item) -> Result<StoredShortlist, Failure> {
    SHORTLIST.check(item)?;
    let entries =
        item.get(ENTRIES).and_then(|entries| entries.as_b().ok()).ok_or_else(|| SHORTLIST.corrupt(ENTRIES))?;
    let (whole, rest) = entries.as_ref().as_chunks::<ENTRY_BYTES>();
    if !rest.is_empty() {
        return Err(SHORTLIST.corrupt("an entry is cut off"));
    }
    let model = item.get(MODEL).map(|model| model.as_s().ok().and_then(|model| serde_json::from_str(model).ok()));
    let model = model.unwrap_or_else(|| Some(Model::default())).ok_or_else(|| SHORTLIST.corrupt(MODEL))?;
    let version = item.get(VERSION).map(|version| version.as_n().ok().and_then(|version| version.parse().ok()));
    let version = version.unwrap_or(Some(0)).ok_or_else(|| SHORTLIST.corrupt(VERSION))?;
    let places: Option<Vec<_>> = whole.iter().map(entry).collect();
    let list = Shortlist::new(model, places.ok_or_else(|| SHORTLIST.corrupt("entry"))?);
    let (rhythm, spread) = (unpacked(item, RHYTHM)?, unpacked(item, SPREAD)?);
    Ok(StoredShortlist { list, rhythm, spread, version })
}

fn entry(bytes: &[u8; ENTRY_BYTES]) -> Option<(PersonId, RankKey)> {
    let (id, place) = bytes.split_first_chunk::<16>()?;
    let place = place.iter().fold(0, |number, byte| number << 8 | i64::from(*byte));
    Some((PersonId::from_uuid(Uuid::from_bytes(*id)), RankKey::from_number(place)?))
}
