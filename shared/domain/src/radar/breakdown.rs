//! Views by object and forwards by person, per scope and day: the material of the top lists,
//! which plain counters cannot hold.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

use crate::kernel::day::Day;
use crate::kernel::id::PersonId;
use crate::radar::aggregate::Segment;
use crate::radar::counter::Scope;
use crate::tracking::event::{Event, EventKind, ObjectType, Target};

/// Most things kept of a scope and day; far more than any list of a day shows.
pub const THINGS_MAX: usize = 500;
/// Most sharers kept of a scope and day.
pub const SHARERS_MAX: usize = 1_000;

/// One scope's things and sharers of a day, or of several days added up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breakdown {
    /// Products, articles and videos that were viewed.
    pub things: BTreeMap<Target, Viewed>,
    /// Forwards by person.
    pub sharers: BTreeMap<PersonId, i64>,
    /// Forwards by people who had not logged in: they stand in no list until they have.
    pub anonymous: BTreeMap<PersonId, i64>,
}

/// How often a thing was viewed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Viewed {
    /// Views.
    pub views: i64,
    /// The title that was seen last, if any was sent.
    pub title: Option<String>,
}

impl Breakdown {
    fn add(&mut self, segment: &Segment, event: &Event) {
        if event.kind == EventKind::Forward {
            let sharers = if segment.anonymous { &mut self.anonymous } else { &mut self.sharers };
            *sharers.entry(segment.key.person).or_default() += 1;
        }
        if event.kind.is_view() && event.object.target.id().is_some() {
            let title = event.object.title.as_ref().map(ToString::to_string);
            *self.things.entry(event.object.target).or_default() += Viewed { views: 1, title };
        }
    }

    /// Forgets the entries too small for a top list: the stored item must not outgrow its limit.
    pub fn keep_the_greatest(&mut self) {
        if self.things.len() > THINGS_MAX {
            let things = std::mem::take(&mut self.things).into_iter();
            self.things = top(things, THINGS_MAX, |viewed| viewed.views).into_iter().collect();
        }
        for sharers in [&mut self.sharers, &mut self.anonymous] {
            if sharers.len() > SHARERS_MAX {
                let all = std::mem::take(sharers).into_iter();
                *sharers = top(all, SHARERS_MAX, |forwards| *forwards).into_iter().collect();
            }
        }
    }

    /// Those with the most forwards of the people who had not logged in.
    pub fn top_anonymous(&self, most: usize) -> Vec<PersonId> {
        let all = self.anonymous.iter().map(|(person, forwards)| (*person, *forwards));
        top(all, most, |forwards| *forwards).into_iter().map(|(person, _)| person).collect()
    }

    /// Lists a person who has logged in since.
    pub fn has_logged_in(&mut self, person: PersonId) {
        if let Some(forwards) = self.anonymous.remove(&person) {
            *self.sharers.entry(person).or_default() += forwards;
        }
    }

    /// The products, or other things of one type, with the most views first; of equal ones the
    /// older thing.
    pub fn top_things(&self, object: ObjectType, most: usize) -> Vec<(Target, &Viewed)> {
        let things = self.things.iter().filter(|(target, _)| target.object_type() == object);
        top(things.map(|(target, viewed)| (*target, viewed)), most, |viewed| viewed.views)
    }

    /// The persons with the most forwards first; of equal ones the earliest.
    pub fn top_sharers(&self, most: usize) -> Vec<(PersonId, i64)> {
        top(self.sharers.iter().map(|(person, forwards)| (*person, *forwards)), most, |forwards| *forwards)
    }
}

impl AddAssign for Viewed {
    fn add_assign(&mut self, later: Self) {
        self.views += later.views;
        self.title = later.title.or_else(|| self.title.take());
    }
}

impl AddAssign for Breakdown {
    fn add_assign(&mut self, later: Self) {
        for (target, viewed) in later.things {
            *self.things.entry(target).or_default() += viewed;
        }
        for (sharers, later) in [(&mut self.sharers, later.sharers), (&mut self.anonymous, later.anonymous)] {
            for (person, forwards) in later {
                *sharers.entry(person).or_default() += forwards;
            }
        }
    }
}

/// What segments add to the leaderboards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Additions {
    /// What was counted, broken down.
    pub breakdowns: BTreeMap<(Scope, Day), Breakdown>,
    /// The people whose close rate may have changed.
    pub people: BTreeMap<Scope, BTreeSet<PersonId>>,
}

impl Additions {
    /// The breakdowns of the counted events in these segments.
    pub fn of(segments: &[Segment]) -> Self {
        let mut additions = Self::default();
        for segment in segments {
            let person = segment.key.person;
            for event in segment.events.iter().filter(|event| event.counts()) {
                for scope in [Scope::Card(segment.key.card), Scope::Company] {
                    additions.breakdowns.entry((scope, Day::of(event.at))).or_default().add(segment, event);
                    additions.people.entry(scope).or_default().insert(person);
                }
            }
        }
        additions.breakdowns.retain(|_, breakdown| *breakdown != Breakdown::default());
        additions
    }

    /// How many items they change.
    pub fn items(&self) -> usize {
        self.breakdowns.len() + self.people.len()
    }

    /// How many items both change together.
    pub fn items_with(&self, other: &Self) -> usize {
        let fresh = other.breakdowns.keys().filter(|place| !self.breakdowns.contains_key(place)).count();
        let new = other.people.keys().filter(|scope| !self.people.contains_key(scope)).count();
        self.items() + fresh + new
    }
}

impl AddAssign for Additions {
    fn add_assign(&mut self, later: Self) {
        for (place, breakdown) in later.breakdowns {
            *self.breakdowns.entry(place).or_default() += breakdown;
        }
        for (scope, people) in later.people {
            self.people.entry(scope).or_default().extend(people);
        }
    }
}

/// The greatest first, of equal ones the smaller key.
fn top<K: Ord, V>(all: impl Iterator<Item = (K, V)>, most: usize, value: impl Fn(&V) -> i64) -> Vec<(K, V)> {
    let mut all: Vec<_> = all.filter(|(_, one)| value(one) > 0).collect();
    all.sort_by(|(a, x), (b, y)| value(y).cmp(&value(x)).then_with(|| a.cmp(b)));
    all.truncate(most);
    all
}

/// Shares of a whole in basis points: they add up to exactly 10,000, or are all 0 when
/// there is nothing. What rounding leaves over goes to the largest remainders, of equal
/// ones to the first.
pub fn basis_points(parts: &[i64]) -> Vec<i64> {
    let whole: i128 = parts.iter().map(|part| i128::from(*part)).sum();
    if whole <= 0 {
        return vec![0; parts.len()];
    }
    let scaled = |part: &i64| i128::from(*part) * 10_000;
    let mut shares: Vec<i64> =
        parts.iter().map(|part| i64::try_from(scaled(part) / whole).unwrap_or(i64::MAX)).collect();
    let mut by_remainder: Vec<_> = (0..parts.len()).collect();
    by_remainder.sort_by_key(|position| std::cmp::Reverse(scaled(&parts[*position]) % whole));
    let missing = usize::try_from(10_000 - shares.iter().sum::<i64>()).unwrap_or(0);
    for position in by_remainder.into_iter().take(missing) {
        shares[position] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::kernel::id::{CardId, Id, ProductId};
    use crate::kernel::text::Line;
    use crate::kernel::timestamp::{DAY_MS, Timestamp};
    use crate::radar::aggregate::SegmentKey;
    use crate::tracking::batch::BatchId;
    use crate::tracking::event::Object;
    use crate::tracking::filter_reason::FilterReason;

    fn product(n: u128) -> Target {
        Target::Product(ProductId::from_uuid(Uuid::from_u128(n)))
    }

    fn segment(person: u128, events: &[(EventKind, Target, &str, i64, Option<FilterReason>)]) -> Segment {
        let (card, zero) = (CardId::from_uuid(Uuid::from_u128(1)), Uuid::nil());
        let now = Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap();
        let event = |(kind, target, title, days_ago, filtered): &(EventKind, Target, &str, i64, _)| Event {
            kind: *kind,
            card,
            object: Object { target: *target, title: Line::parse(title).ok() },
            share_code: None,
            at: now.plus_millis(-days_ago * DAY_MS),
            duration_ms: None,
            filtered: *filtered,
        };
        let key =
            SegmentKey { card, batch: BatchId::from_uuid(zero), person: PersonId::from_uuid(Uuid::from_u128(person)) };
        let events = events.iter().map(event).collect();
        let departments = crate::company::department::DepartmentPath::default();
        Segment { key, fingerprint: String::new(), received_at: now, anonymous: false, rules: 1, departments, events }
    }

    #[test]
    fn views_of_things_and_forwards_are_broken_down_by_day_for_card_and_company() {
        use EventKind::{Forward, ViewCard, ViewProduct};
        let bot = Some(FilterReason::Bot);
        let Additions { breakdowns: broken, people } = Additions::of(&[
            segment(7, &[(ViewProduct, product(1), "旧名", 0, None), (ViewCard, Target::Card, "", 0, None)]),
            segment(8, &[(ViewProduct, product(1), "新名", 0, None), (Forward, Target::Card, "", 1, None)]),
            segment(8, &[(ViewProduct, product(2), "x", 0, bot), (Forward, Target::Card, "", 0, bot)]),
        ]);
        assert_eq!(broken.len(), 4, "two days of two scopes");
        assert_eq!(people.values().map(BTreeSet::len).collect::<Vec<_>>(), [2, 2]);
        let today = Day::of(Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap());
        let company = &broken[&(Scope::Company, today)];
        assert_eq!(company.things[&product(1)], Viewed { views: 2, title: Some("新名".to_owned()) });
        assert_eq!((company.things.len(), company.sharers.len()), (1, 0));
        assert_eq!(broken[&(Scope::Company, today.plus(-1))].top_sharers(10).len(), 1);
    }

    #[test]
    fn who_had_not_logged_in_is_listed_once_they_have() {
        use EventKind::Forward;
        let forwards = |n, events| segment(n, &vec![(Forward, Target::Card, "", 0, None); events]);
        let anonymous = Segment { anonymous: true, ..forwards(9, 5) };
        let today = Day::of(Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap());
        let Additions { breakdowns, .. } = Additions::of(&[anonymous, forwards(3, 2)]);
        let mut company = breakdowns[&(Scope::Company, today)].clone();
        let person = |n: u128| PersonId::from_uuid(Uuid::from_u128(n));
        assert_eq!(company.top_sharers(10), [(person(3), 2)]);
        assert_eq!(company.top_anonymous(10), [person(9)]);
        company.has_logged_in(person(9));
        assert_eq!(company.top_sharers(10), [(person(9), 5), (person(3), 2)]);
        assert!(company.top_anonymous(10).is_empty());
    }

    #[test]
    fn equal_ones_stand_in_the_order_of_their_ids() {
        let person = |n: u128| PersonId::from_uuid(Uuid::from_u128(n));
        let sharers = [(person(3), 2), (person(1), 2), (person(2), 5), (person(4), 0)].into();
        let breakdown = Breakdown { sharers, ..Breakdown::default() };
        assert_eq!(breakdown.top_sharers(10), [(person(2), 5), (person(1), 2), (person(3), 2)]);
        assert_eq!(breakdown.top_sharers(2).len(), 2);
    }

    proptest! {
        #[test]
        fn shares_add_up_and_are_never_off_by_a_point(parts in prop::collection::vec(0i64..1_000_000, 1..9)) {
            let (shares, whole) = (basis_points(&parts), parts.iter().sum::<i64>());
            prop_assert_eq!(shares.iter().sum::<i64>(), if whole == 0 { 0 } else { 10_000 });
            for (part, share) in parts.iter().zip(&shares) {
                prop_assert!((share * whole - part * 10_000).abs() < whole.max(1));
            }
        }
    }
}
