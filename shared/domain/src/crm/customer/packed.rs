//! A customer's state as bytes, which are rewritten with every batch.
//!
//! A person who was seen on one card has the same days there, in the company and in each
//! department. So every set of days is written once, and so is every department's id; the rest
//! points to them by their number.

use std::collections::BTreeMap;

use super::{CardHistory, CustomerState, LikeState, STATE_BYTES_MAX};
use crate::company::department::DepartmentPath;
use crate::crm::active_days::ActiveDays;
use crate::crm::activity::{Activity, DayActivity};
use crate::kernel::day::Day;
use crate::kernel::id::{CardId, DepartmentId};
use crate::kernel::pack::{Pack, pack_all, pack_id, unpack_id};
use crate::radar::seen_days::SeenDays;
use crate::tracking::event::EventKind;

/// With so many cards a state fits, whatever was done on how many days: the longest sets of days have
/// some three kilobytes for each audience of a card.
const CARDS_FIT: usize = 20;

/// The bytes are not those of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not those of a customer's state")]
pub struct Unreadable;

impl CustomerState {
    /// As it is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (mut once, mut rest) = (DictionaryWriter::default(), Vec::new());
        once.active_days(&self.active_days, &mut rest);
        (self.cards.len() as u64).pack(&mut rest);
        for (card, history) in &self.cards {
            pack_id(card, &mut rest);
            once.history(history, &mut rest);
        }
        self.hours.pack(&mut rest);
        (self.departments.len() as u64).pack(&mut rest);
        for (department, active_days) in &self.departments {
            once.department(*department, &mut rest);
            once.active_days(active_days, &mut rest);
        }
        (u64::from(self.anonymous) | u64::from(self.member) << 1).pack(&mut rest);
        let unmet = self.presences().zip(0_u64..).filter(|(presence, _)| !presence.met).map(|(_, number)| number);
        Vec::from_iter(unmet).pack(&mut rest);
        self.pack_activity(&mut rest);
        let mut bytes = Vec::with_capacity(rest.len() * 2);
        pack_all(once.days.into_iter(), &mut bytes);
        (once.departments.len() as u64).pack(&mut bytes);
        once.departments.iter().for_each(|department| pack_id(department, &mut bytes));
        bytes.extend_from_slice(&rest);
        bytes
    }

    /// Whether it fits into an item. Up to a few cards it always does.
    pub(crate) fn fits(&self) -> bool {
        self.cards.len() <= CARDS_FIT || self.to_bytes().len() <= STATE_BYTES_MAX
    }

    /// A state that was stored.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self, Unreadable> {
        let state = Self::unpack(&mut bytes).and_then(|state| state.with_rest(&mut bytes));
        state.filter(|_| bytes.is_empty()).ok_or(Unreadable)
    }

    /// A state that was stored by layout 3: everybody had logged in, as far as it knows.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn from_bytes_of_layout_3(mut bytes: &[u8]) -> Result<Self, Unreadable> {
        let state = Self::unpack(&mut bytes).filter(|_| bytes.is_empty());
        state.map(Self::met_by_days).ok_or(Unreadable)
    }

    /// As met wherever they have days: older layouts say no more. The next recount knows it all.
    #[must_use]
    pub fn met_by_days(mut self) -> Self {
        for presence in self.presences_mut() {
            presence.met = presence.audiences().iter().any(|(_, days)| !days.is_empty());
        }
        self
    }

    /// What layout 4 has added, and layout 5 to its first byte: whether they are a member.
    fn with_rest(mut self, bytes: &mut &[u8]) -> Option<Self> {
        let who = u64::unpack(bytes).filter(|who| *who < 4)?;
        (self.anonymous, self.member) = (who & 1 == 1, who & 2 == 2);
        let unmet = Vec::<u64>::unpack(bytes)?;
        for (presence, number) in self.presences_mut().zip(0..) {
            presence.met = !unmet.contains(&number);
        }
        self.activity = self.unpack_activity(bytes)?;
        Some(self)
    }

    /// Those of the company, the cards and the departments.
    fn presences(&self) -> impl Iterator<Item = &ActiveDays> {
        let cards = self.cards.values().map(|history| &history.active_days);
        [&self.active_days].into_iter().chain(cards).chain(self.departments.values())
    }

    fn presences_mut(&mut self) -> impl Iterator<Item = &mut ActiveDays> {
        let cards = self.cards.values_mut().map(|history| &mut history.active_days);
        [&mut self.active_days].into_iter().chain(cards).chain(self.departments.values_mut())
    }

    /// Days as numbers, times from the beginning of their day, cards by their number.
    fn pack_activity(&self, bytes: &mut Vec<u8>) {
        let Activity { days, minutes } = &self.activity;
        days.len().pack(bytes);
        for (day, DayActivity { actions, began_ms, ended_ms, dwell_ms }) in days {
            let start = day.start().millis();
            i64::from(day.number()).pack(bytes);
            actions.len().pack(bytes);
            for (kind, count) in actions {
                u64::from(kind.code()).pack(bytes);
                u64::from(*count).pack(bytes);
            }
            (began_ms - start).pack(bytes);
            (ended_ms - began_ms).pack(bytes);
            dwell_ms.pack(bytes);
        }
        let numbers: BTreeMap<_, _> = self.cards.keys().zip(0_u64..).collect();
        minutes.len().pack(bytes);
        let mut before = 0;
        for ((minute, card, kind), count) in minutes {
            (minute - before).pack(bytes);
            numbers.get(card).copied().unwrap_or_default().pack(bytes);
            u64::from(kind.code()).pack(bytes);
            u64::from(*count).pack(bytes);
            before = *minute;
        }
    }

    fn unpack_activity(&self, bytes: &mut &[u8]) -> Option<Activity> {
        let days = map(bytes, |bytes| {
            let day = Day::from_number(i64::unpack(bytes)?.try_into().ok()?);
            let actions = map(bytes, |bytes| Some((kind(bytes)?, count(bytes)?)))?;
            let began_ms = day.start().millis().checked_add(i64::unpack(bytes)?)?;
            let ended_ms = began_ms.checked_add(i64::unpack(bytes)?)?;
            Some((day, DayActivity { actions, began_ms, ended_ms, dwell_ms: Pack::unpack(bytes)? }))
        })?;
        let (cards, mut before) = (self.cards.keys().copied().collect::<Vec<CardId>>(), 0_i64);
        let minutes = map(bytes, |bytes| {
            before = before.checked_add(i64::unpack(bytes)?)?;
            let card = numbered(&cards, bytes)?;
            Some(((before, card, kind(bytes)?), count(bytes)?))
        })?;
        Some(Activity { days, minutes })
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let once = DictionaryReader { days: Vec::unpack(bytes)?, departments: list(bytes, unpack_id)? };
        let state = Self {
            active_days: once.active_days(bytes)?,
            cards: map(bytes, |bytes| Some((unpack_id(bytes)?, once.history(bytes)?)))?,
            hours: Pack::unpack(bytes)?,
            departments: map(bytes, |bytes| Some((once.department(bytes)?, once.active_days(bytes)?)))?,
            ..Self::default()
        };
        Some(state)
    }
}

/// What is written once, by number.
#[derive(Default)]
struct DictionaryWriter<'a> {
    days: Vec<&'a SeenDays>,
    departments: Vec<DepartmentId>,
}

/// The number of a value; a new one is added. There are few: looking through them is quick.
fn number<T: PartialEq>(known: &mut Vec<T>, value: T) -> u64 {
    let number = known.iter().position(|known| *known == value).unwrap_or_else(|| {
        known.push(value);
        known.len() - 1
    });
    number as u64
}

impl<'a> DictionaryWriter<'a> {
    fn active_days(&mut self, active_days: &'a ActiveDays, bytes: &mut Vec<u8>) {
        for (_, days) in active_days.audiences() {
            number(&mut self.days, days).pack(bytes);
        }
    }

    fn department(&mut self, department: DepartmentId, bytes: &mut Vec<u8>) {
        number(&mut self.departments, department).pack(bytes);
    }

    fn path(&mut self, path: &DepartmentPath, bytes: &mut Vec<u8>) {
        (path.iter().count() as u64).pack(bytes);
        path.iter().for_each(|department| self.department(department, bytes));
    }

    fn history(&mut self, history: &'a CardHistory, bytes: &mut Vec<u8>) {
        let CardHistory { active_days, opened, last_opened_ms, like, saved_ms, evidence, saved_in } = history;
        self.active_days(active_days, bytes);
        opened.pack(bytes);
        last_opened_ms.pack(bytes);
        like.is_some().pack(bytes);
        if let Some(LikeState { ms, off, departments }) = like {
            ms.pack(bytes);
            off.pack(bytes);
            self.path(departments, bytes);
        }
        saved_ms.pack(bytes);
        evidence.pack(bytes);
        self.path(saved_in, bytes);
    }
}

/// What was written once.
struct DictionaryReader {
    days: Vec<SeenDays>,
    departments: Vec<DepartmentId>,
}

/// A value by its number.
fn numbered<T: Clone>(known: &[T], bytes: &mut &[u8]) -> Option<T> {
    known.get(usize::try_from(u64::unpack(bytes)?).ok()?).cloned()
}

impl DictionaryReader {
    fn active_days(&self, bytes: &mut &[u8]) -> Option<ActiveDays> {
        Some(ActiveDays {
            viewed: numbered(&self.days, bytes)?,
            talked: numbered(&self.days, bytes)?,
            shopped: numbered(&self.days, bytes)?,
            met: false,
        })
    }

    fn department(&self, bytes: &mut &[u8]) -> Option<DepartmentId> {
        numbered(&self.departments, bytes)
    }

    fn path(&self, bytes: &mut &[u8]) -> Option<DepartmentPath> {
        list(bytes, |bytes| self.department(bytes)).map(DepartmentPath::from_iter)
    }

    fn history(&self, bytes: &mut &[u8]) -> Option<CardHistory> {
        Some(CardHistory {
            active_days: self.active_days(bytes)?,
            opened: Pack::unpack(bytes)?,
            last_opened_ms: Pack::unpack(bytes)?,
            like: if bool::unpack(bytes)? { Some(self.like(bytes)?) } else { None },
            saved_ms: Pack::unpack(bytes)?,
            evidence: Pack::unpack(bytes)?,
            saved_in: self.path(bytes)?,
        })
    }

    fn like(&self, bytes: &mut &[u8]) -> Option<LikeState> {
        Some(LikeState { ms: Pack::unpack(bytes)?, off: Pack::unpack(bytes)?, departments: self.path(bytes)? })
    }
}

fn kind(bytes: &mut &[u8]) -> Option<EventKind> {
    EventKind::from_code(u64::unpack(bytes)?.try_into().ok()?)
}

fn count(bytes: &mut &[u8]) -> Option<u16> {
    u64::unpack(bytes)?.try_into().ok()
}

fn list<T>(bytes: &mut &[u8], mut one: impl FnMut(&mut &[u8]) -> Option<T>) -> Option<Vec<T>> {
    let count = u64::unpack(bytes)?;
    (0..count).map(|_| one(bytes)).collect()
}

fn map<K: Ord, V>(bytes: &mut &[u8], mut one: impl FnMut(&mut &[u8]) -> Option<(K, V)>) -> Option<BTreeMap<K, V>> {
    let count = u64::unpack(bytes)?;
    (0..count).map(|_| one(bytes)).collect()
}

#[cfg(test)]
#[path = "packed_tests.rs"]
mod tests;
