//! The retraining of one company: its customers as they were before their deals, from the event
//! log; the model that fits them, if it is surely better; and every shortlist by that model.

use std::collections::{BTreeMap, BTreeSet};

use domain::close_rate::rank_share::RankSpread;
use domain::close_rate::retrain::{Sample, retrain};
use domain::close_rate::sample::Histories;
use domain::close_rate::shortlist::{KEPT_MAX, RankKey, Shortlist};
use domain::company::Company;
use domain::crm::record::CustomerRecord;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, PersonId};
use domain::kernel::timestamp::Timestamp;
use domain::radar::counter::Scope;
use store::{Fitted, PutAside, ShortlistCandidate, Store};

use crate::customer_list;
use crate::log::replay;

/// Customers read together.
const CUSTOMERS: usize = 100;
/// Most attempts to rebuild the shortlists that others have written meanwhile.
const ROUNDS: usize = 4;
/// The length at which a growing list is cut back.
const CROWDED: usize = 2 * KEPT_MAX;

/// A retraining in progress.
pub(crate) struct RetrainJob<'a> {
    store: &'a Store,
    company: Company,
    now: Timestamp,
    cards: Vec<CardId>,
    /// Every identity in the log that is a customer.
    people: BTreeSet<PersonId>,
}

impl<'a> RetrainJob<'a> {
    /// Reads the log and the deals, and fits a model. Writes nothing.
    pub(crate) async fn fit(
        store: &'a Store,
        company: Company,
        now: Timestamp,
        aside: &mut PutAside,
    ) -> Result<(Self, Fitted), Failure> {
        let cards = store.every_card(company, aside).await?;
        let mut histories = Histories::default();
        replay(store, company, &cards, aside, |segment| histories.add(segment)).await?;
        let mut people: BTreeSet<_> = histories.people().collect();
        let add = |person, record: &CustomerRecord| people.extend(record.addition.as_ref().map(|_| person));
        store.every_customer_record(company, aside, add).await?;
        let job = Self { store, company, now, cards, people };
        let samples = job.samples(&histories, aside).await?;
        drop(histories);
        let (model, report) = retrain(samples);
        Ok((job, Fitted { model, report, at: now }))
    }

    async fn samples(&self, histories: &Histories, aside: &mut PutAside) -> Result<Vec<Sample>, Failure> {
        let (mut samples, today) = (Vec::new(), Day::of(self.now));
        self.everybody(aside, |person| {
            if !person.is_customer() {
                return;
            }
            let identities = person.identities().collect();
            samples.extend(histories.sample(&identities, person.closed_on(), today));
        })
        .await?;
        Ok(samples)
    }

    /// Passes each person once to the closure, whatever identities they have; not those who are put
    /// aside.
    async fn everybody(&self, aside: &mut PutAside, mut show: impl FnMut(&ShortlistCandidate)) -> Result<(), Failure> {
        let (people, mut shown) = (Vec::from_iter(self.people.iter().copied()), BTreeSet::new());
        for some in people.chunks(CUSTOMERS) {
            let some = some.iter().copied().collect();
            for person in self.store.people(self.company, some, aside).await?.values() {
                if shown.insert(person.id()) {
                    show(person);
                }
            }
        }
        Ok(())
    }

    /// Rebuilds every shortlist by this model; returns how many were wrong.
    ///
    /// The lists are read before the customers, and each is replaced on condition that it is still
    /// the list that was read: a concurrent update is kept, and the list is rebuilt once more.
    pub(crate) async fn make_lists(&self, fitted: &Fitted, aside: &mut PutAside) -> Result<usize, Failure> {
        let cards = self.cards.iter().map(|card| Scope::Card(*card));
        let (mut open, mut made): (Vec<_>, usize) = (cards.chain([Scope::Company]).collect(), 0);
        for _ in 0..ROUNDS {
            let stored = self.store.shortlists(self.company, &open, aside).await?;
            open.retain(|scope| stored.get(scope).is_none_or(Option::is_some));
            let right = self.lists(&open, fitted, aside).await?;
            open.clear();
            for (scope, (list, spread)) in right {
                let before = stored.get(&scope).cloned().flatten().unwrap_or_default();
                if before.list == list && before.spread == spread {
                    continue;
                }
                let was_wrong = usize::from(before.list != list);
                match self.store.replace_shortlist(self.company, scope, &before.with(list, spread)).await {
                    Ok(()) => made += was_wrong,
                    Err(Failure::Busy) => open.push(scope),
                    Err(failure) => return Err(failure),
                }
            }
            if open.is_empty() {
                return Ok(made);
            }
        }
        Err(Failure::Busy)
    }

    /// Brings the list of customers to the model in force.
    pub(crate) async fn refresh_list(&self, aside: &mut PutAside) -> Result<usize, Failure> {
        customer_list::refresh(self.store, self.company, self.people.clone(), Day::of(self.now), aside).await
    }

    async fn lists(
        &self,
        scopes: &[Scope],
        fitted: &Fitted,
        aside: &mut PutAside,
    ) -> Result<BTreeMap<Scope, (Shortlist, RankSpread)>, Failure> {
        let (model, today) = (&fitted.model, Day::of(self.now));
        let mut lists: BTreeMap<_, _> =
            scopes.iter().map(|scope| (*scope, (Shortlist::new(model.clone(), []), Vec::new()))).collect();
        self.everybody(aside, |person| {
            for scope in person.scopes() {
                let Some((list, keys)) = lists.get_mut(&scope) else { continue };
                let update = person.rank_update(scope, model, today);
                keys.extend(update.place);
                list.update([update]);
                if list.len() > CROWDED {
                    list.prune(today);
                }
            }
        })
        .await?;
        lists.values_mut().for_each(|(list, _)| list.prune(today));
        let with_spread = |(scope, (list, keys)): (Scope, (Shortlist, Vec<RankKey>))| {
            let spread = RankSpread::of(&list, keys, today);
            (scope, (list, spread))
        };
        Ok(lists.into_iter().map(with_spread).collect())
    }
}
