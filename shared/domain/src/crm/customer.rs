//! What is remembered of one customer, and what a batch of their events changes.
//!
//! [`CustomerState::apply`] is the heart of the radar. It gives the same sums for the same
//! batches in any order: distinct days are a set, the latest like decides a like, the earliest
//! save is the save.

pub mod packed;
mod population;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::close_rate::evidence::{Evidence, Feature};
use crate::company::department::DepartmentPath;
use crate::crm::active_days::ActiveDays;
use crate::crm::activity::Activity;
use crate::kernel::day::{Day, hour_of};
use crate::kernel::id::{CardId, DepartmentId};
use crate::kernel::timestamp::Timestamp;
use crate::radar::best_hour::VisitHours;
use crate::radar::counter::{Counter, CounterDeltas, Period, Scope};
use crate::radar::seen_days::TooOld;
use crate::tracking::event::{Event, EventKind};
use crate::tracking::filter_reason::FilterReason;

/// Most bytes of a state; the rest of its item has room beside it.
pub const STATE_BYTES_MAX: usize = 350_000;
/// Most cards whose history is kept per customer.
pub const CARDS_MAX: usize = 200;

/// One person as the radar of one company knows them. What is deserialized is the JSON of a
/// stored customer's layouts before 3; see [`CustomerState::to_bytes`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct CustomerState {
    /// Their days across the company.
    #[serde(rename = "p")]
    pub active_days: ActiveDays,
    /// Their history with each card.
    #[serde(rename = "c")]
    pub cards: BTreeMap<CardId, CardHistory>,
    /// The hours in which they were there.
    #[serde(default, rename = "h")]
    pub hours: VisitHours,
    /// Their days in each department: on the cards that were in it, or below it, then.
    #[serde(default, rename = "d")]
    pub departments: BTreeMap<DepartmentId, ActiveDays>,
    /// Whether nobody of them has logged in. They are no customer until they do, which makes them one
    /// person with an identity that has.
    #[serde(skip)]
    pub anonymous: bool,
    /// Whether one of them is an active member of the company. They are no customer as long as they
    /// are; housekeeping follows who joins and leaves.
    #[serde(skip)]
    pub member: bool,
    /// What they have done lately.
    #[serde(skip)]
    pub activity: Activity,
}

/// Whether a login stands behind a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentBy {
    /// The person has logged in.
    LoggedIn,
    /// The person has not logged in.
    Anonymous,
}

/// One person's history with one card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct CardHistory {
    /// Their days on this card.
    #[serde(rename = "p")]
    pub active_days: ActiveDays,
    /// How often they opened it.
    #[serde(default, rename = "o")]
    pub opened: u64,
    /// When they opened it last, in Unix milliseconds.
    #[serde(default, rename = "l")]
    pub last_opened_ms: Option<i64>,
    /// The latest like or unlike.
    #[serde(default, rename = "k")]
    pub like: Option<LikeState>,
    /// The earliest save, in Unix milliseconds.
    #[serde(default, rename = "s")]
    pub saved_ms: Option<i64>,
    /// The evidence for a deal, all but the like in force.
    #[serde(default, rename = "e")]
    evidence: Evidence,
    /// The departments of that save.
    #[serde(default, rename = "d")]
    saved_in: DepartmentPath,
}

/// A like, or its removal. The later one counts; at the same instant the removal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct LikeState {
    /// When, in Unix milliseconds.
    pub ms: i64,
    /// Whether it removes the like.
    pub off: bool,
    /// The departments a like counts in.
    #[serde(default, rename = "d")]
    pub departments: DepartmentPath,
}

/// When something that counts one happened, in Unix milliseconds, and in which departments.
type CountedAt<'a> = (i64, &'a DepartmentPath);

/// Why a batch cannot be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// An event is older than the days that are remembered.
    #[error("an event is older than the customer's memory")]
    TooOld,
    /// The customer has a history with too many cards.
    #[error("the customer has a history with too many cards")]
    TooManyCards,
    /// The customer's state would not fit into an item.
    #[error("the customer's state is too large")]
    TooLarge,
}

impl From<TooOld> for ApplyError {
    fn from(_: TooOld) -> Self {
        Self::TooOld
    }
}

impl CustomerState {
    /// Counts events into the state, all on cards that were in these departments, and returns the
    /// changes of the counters.
    ///
    /// # Errors
    /// [`ApplyError`]; the state may then be half changed and must be thrown away.
    pub fn apply(&mut self, by: SentBy, events: &[Event], path: &DepartmentPath) -> Result<CounterDeltas, ApplyError> {
        let mut deltas = CounterDeltas::default();
        if self.cards.is_empty() {
            // An identity has logged in from the beginning, or never.
            self.anonymous = by == SentBy::Anonymous;
        }
        for event in events {
            if !self.cards.contains_key(&event.card) && self.cards.len() >= CARDS_MAX {
                return Err(ApplyError::TooManyCards);
            }
            self.count(event, path, &mut deltas)?;
        }
        Ok(deltas)
    }

    /// The same for one part of a person whose other parts these are: the deltas are the changes
    /// for the person, the state takes in what its own identity did.
    ///
    /// # Errors
    /// [`ApplyError`]; the state may then be half changed and must be thrown away.
    pub fn apply_as_part<'a>(
        &mut self,
        by: SentBy,
        events: &[Event],
        path: &DepartmentPath,
        others: impl IntoIterator<Item = &'a Self>,
    ) -> Result<CounterDeltas, ApplyError> {
        let mut person = self.clone();
        others.into_iter().for_each(|other| person.join(other));
        self.apply(by, events, path)?;
        let mut deltas = CounterDeltas::default();
        for event in events {
            person.count(event, path, &mut deltas)?;
        }
        Ok(deltas)
    }

    /// Counts one event, however many cards there are: a union of parts that are each
    /// within the limit may be beyond it.
    fn count(&mut self, event: &Event, path: &DepartmentPath, deltas: &mut CounterDeltas) -> Result<(), TooOld> {
        let (day, may_be_customer) = (Day::of(event.at), self.may_be_customer());
        let card = self.cards.entry(event.card).or_default();
        if let Some(reason) = event.filtered {
            for scope in Scope::of(event.card, path) {
                deltas.add_on(scope, day, Counter::Filtered(reason), 1);
            }
            if !reason.counts() {
                card.remember_filtered(event, reason);
                return Ok(());
            }
        }
        for scope in Scope::of(event.card, path) {
            deltas.add_on(scope, day, Counter::Events(event.kind), 1);
            deltas.add_on(scope, day, Counter::Hour(hour_of(event.at)), 1);
            if event.kind == EventKind::Forward {
                deltas.add_on(scope, day, Counter::Forwards(event.object.target.object_type()), 1);
            }
            if let Some(ms) = event.duration_ms {
                deltas.add_on(scope, day, Counter::DwellMs, i64::from(ms));
            }
            let active_days = match scope {
                Scope::Card(_) => &mut card.active_days,
                Scope::Company => &mut self.active_days,
                Scope::Department(department) => self.departments.entry(department).or_default(),
            };
            active_days.see(event.kind, day, scope, deltas)?;
            if !std::mem::replace(&mut active_days.met, true) && may_be_customer {
                deltas.add(scope, Period::Lifetime, Counter::Customers, 1);
            }
        }
        card.remember(event, path, deltas);
        card.evidence.take(event);
        self.activity.take(event);
        self.hours.see(event.at);
        Ok(())
    }

    /// The union of several parts: the state of the person whose parts they are. One part that has
    /// logged in makes all of it a customer's.
    #[must_use]
    pub fn union<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut parts = parts.into_iter();
        let mut union = parts.next().cloned().unwrap_or_default();
        parts.for_each(|part| union.join(part));
        union
    }

    fn join(&mut self, other: &Self) {
        self.active_days.join(&other.active_days);
        for (card, history) in &other.cards {
            self.cards.entry(*card).or_default().join(history);
        }
        self.hours.add_all(&other.hours);
        for (department, active_days) in &other.departments {
            self.departments.entry(*department).or_default().join(active_days);
        }
        self.anonymous &= other.anonymous;
        self.member |= other.member;
        self.activity.join(&other.activity);
    }

    /// What the state adds to the counters that count people, likes and saves. The raw counters
    /// (events, time spent) do not depend on merges.
    pub fn contributions(&self) -> CounterDeltas {
        let mut deltas = CounterDeltas::default();
        self.active_days.add_to(&mut deltas, Scope::Company);
        for (card, history) in &self.cards {
            history.active_days.add_to(&mut deltas, Scope::Card(*card));
            move_count(&mut deltas, *card, Counter::Likes, None, history.liked());
            move_count(&mut deltas, *card, Counter::Saves, None, history.saved());
        }
        for (department, active_days) in &self.departments {
            active_days.add_to(&mut deltas, Scope::Department(*department));
        }
        for scope in self.customer_scopes() {
            deltas.add(scope, Period::Lifetime, Counter::Customers, 1);
        }
        deltas
    }

    /// Whether the log may have forgotten some of their events: somebody without a login who was
    /// there before the day from which on it is whole.
    pub fn is_partly_forgotten(&self, whole_since: Day) -> bool {
        let firsts = self.active_days.audiences().map(|(_, days)| days.first());
        self.anonymous && firsts.into_iter().flatten().any(|first| first < whole_since)
    }

    /// The cards they have opened, the last one first.
    pub fn opened_cards(&self) -> Vec<(CardId, &CardHistory)> {
        let mut cards = self.cards_by_last_opening();
        cards.retain(|(_, card)| card.opened > 0);
        cards
    }

    /// When they were there last, as far as it is remembered.
    pub fn last_visit(&self) -> Option<Timestamp> {
        let opened = self.cards.values().filter_map(|card| card.last_opened_ms).max();
        self.activity.last_ms().max(opened).map(Timestamp::from_millis)
    }

    /// The first day on which they were seen on a card.
    pub fn first_day_on(&self, card: CardId) -> Option<Day> {
        self.cards.get(&card)?.active_days.first()
    }

    /// All cards they have a history with: the last one opened first, those never opened last.
    pub fn cards_by_last_opening(&self) -> Vec<(CardId, &CardHistory)> {
        let mut cards: Vec<_> = self.cards.iter().map(|(id, card)| (*id, card)).collect();
        cards.sort_by_key(|(id, card)| (std::cmp::Reverse(card.last_opened_ms), *id));
        cards
    }
}

impl CardHistory {
    /// Adds what is remembered per card: openings, like, save.
    fn remember(&mut self, event: &Event, path: &DepartmentPath, deltas: &mut CounterDeltas) {
        let ms = event.at.millis();
        match event.kind {
            EventKind::ViewCard => self.opened(ms),
            EventKind::Like => {
                self.set_like(event.card, LikeState { ms, off: false, departments: path.clone() }, deltas);
            }
            EventKind::Unlike => {
                self.set_like(event.card, LikeState { ms, off: true, departments: DepartmentPath::default() }, deltas);
            }
            EventKind::SavePhone => self.save(event.card, (ms, path), deltas),
            EventKind::ViewProduct | EventKind::ViewArticle | EventKind::ViewVideo | EventKind::ViewWebsite => {}
            EventKind::Forward | EventKind::CopyWechatId | EventKind::Call => {}
            EventKind::OpenChat | EventKind::GrantPhone | EventKind::Dwell => {}
        }
    }

    /// A member too finds the cards they have opened in their list.
    fn remember_filtered(&mut self, event: &Event, reason: FilterReason) {
        if event.kind == EventKind::ViewCard && matches!(reason, FilterReason::Own | FilterReason::Colleague) {
            self.opened(event.at.millis());
        }
    }

    fn opened(&mut self, ms: i64) {
        self.opened += 1;
        self.last_opened_ms = self.last_opened_ms.max(Some(ms));
    }

    fn set_like(&mut self, card: CardId, like: LikeState, deltas: &mut CounterDeltas) {
        if self.like.as_ref().is_some_and(|latest| *latest >= like) {
            return;
        }
        let before = self.like.replace(like);
        move_count(deltas, card, Counter::Likes, before.as_ref().and_then(LikeState::liked), self.liked());
    }

    /// The evidence for a deal; a like counts while it is in force.
    fn evidence(&self) -> Evidence {
        let mut evidence = self.evidence.clone();
        if let Some(ms) = self.liked_ms() {
            evidence.see(Feature::Like, Day::of(Timestamp::from_millis(ms)));
        }
        evidence
    }

    /// When the like in force was given.
    pub fn liked_ms(&self) -> Option<i64> {
        self.liked().map(|(ms, _)| ms)
    }

    fn liked(&self) -> Option<CountedAt<'_>> {
        self.like.as_ref().and_then(LikeState::liked)
    }

    fn saved(&self) -> Option<CountedAt<'_>> {
        self.saved_ms.map(|ms| (ms, &self.saved_in))
    }

    fn save(&mut self, card: CardId, save: CountedAt<'_>, deltas: &mut CounterDeltas) {
        if self.saved().is_some_and(|earliest| earliest <= save) {
            return;
        }
        move_count(deltas, card, Counter::Saves, self.saved(), Some(save));
        (self.saved_ms, self.saved_in) = (Some(save.0), save.1.clone());
    }

    fn join(&mut self, other: &Self) {
        self.active_days.join(&other.active_days);
        self.opened += other.opened;
        self.last_opened_ms = self.last_opened_ms.max(other.last_opened_ms);
        self.like = self.like.take().max(other.like.clone());
        let earliest = self.saved().into_iter().chain(other.saved()).min();
        (self.saved_ms, self.saved_in) = earliest.map(|(ms, path)| (Some(ms), path.clone())).unwrap_or_default();
        self.evidence.add_all(&other.evidence);
    }
}

impl LikeState {
    fn liked(&self) -> Option<CountedAt<'_>> {
        (!self.off).then_some((self.ms, &self.departments))
    }
}

/// Moves a count of one from one instant's day and departments to another's, on the card
/// and the company.
fn move_count(
    deltas: &mut CounterDeltas,
    card: CardId,
    counter: Counter,
    from: Option<CountedAt<'_>>,
    to: Option<CountedAt<'_>>,
) {
    for (place, by) in [(from, -1), (to, 1)] {
        let Some((ms, path)) = place else { continue };
        for scope in Scope::of(card, path) {
            deltas.add_on(scope, Day::of(Timestamp::from_millis(ms)), counter, by);
        }
    }
}

#[cfg(test)]
#[path = "customer_tests.rs"]
mod tests;
