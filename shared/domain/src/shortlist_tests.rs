use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::evidence::{Evidence, Feature};
use crate::id::Id;

const TODAY: i32 = 20_000;

fn person(n: u16) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(u128::from(n)))
}

fn day(number: i32) -> Day {
    Day::from_number(number)
}

/// The rank of who has granted his phone number on each of these days.
fn rank(days: &[i32]) -> Option<Rank> {
    let mut evidence = Evidence::default();
    for at in days {
        evidence.see(Feature::GrantPhone, day(*at));
    }
    Model::default().rank(&evidence.on(day(TODAY + 1_000)))
}

fn standing(n: u16, days: &[i32]) -> Standing {
    Standing { person: person(n), others: BTreeSet::new(), rank: rank(days) }
}

fn ids(prospects: &[Prospect]) -> Vec<PersonId> {
    prospects.iter().map(|prospect| prospect.person).collect()
}

proptest! {
    /// Pruned every day, it says what a list of everybody would say.
    #[test]
    fn what_is_let_go_is_never_missed(
        visits in prop::collection::vec((0u16..400, 0i32..60), 0..600),
    ) {
        let (model, mut pruned, mut whole) = (Model::default(), Shortlist::default(), Shortlist::default());
        let mut days: BTreeMap<u16, Vec<i32>> = BTreeMap::new();
        for at in 0..60 {
            let today: BTreeSet<u16> = visits.iter().filter(|(_, day)| *day == at).map(|(n, _)| *n).collect();
            for n in &today {
                days.entry(*n).or_default().push(TODAY + at);
            }
            let standings: Vec<_> = today.iter().map(|n| standing(*n, &days[n])).collect();
            pruned.update(&standings);
            pruned.prune(&model, day(TODAY + at));
            whole.update(&standings);
        }
        let (today, everybody) = (day(TODAY + 59), i64::try_from(days.len()).unwrap());
        prop_assert_eq!(pruned.best(&model, today), whole.best(&model, today));
        let funnel = pruned.funnel(&model, today, everybody);
        prop_assert_eq!(funnel, whole.funnel(&model, today, everybody));
        prop_assert_eq!(funnel.customers.iter().sum::<i64>(), everybody);
        prop_assert!(pruned.iter().count() <= KEPT_MAX);
    }
}

#[test]
fn the_most_likely_come_first_and_of_equal_ones_who_came_first() {
    let mut list = Shortlist::default();
    list.update(&[standing(3, &[TODAY]), standing(2, &[TODAY, TODAY - 1]), standing(1, &[TODAY])]);
    let best = list.best(&Model::default(), day(TODAY));
    assert_eq!(ids(&best), [person(2), person(1), person(3)]);
    assert_eq!(best[1].rate, best[2].rate);
    assert!(best[0].rate > best[1].rate);
}

#[test]
fn who_turns_out_to_be_another_is_listed_once() {
    let mut list = Shortlist::default();
    list.update(&[standing(1, &[TODAY]), standing(2, &[TODAY])]);
    let others = BTreeSet::from([person(2)]);
    list.update(&[Standing { person: person(1), others, rank: rank(&[TODAY, TODAY]) }]);
    assert_eq!(ids(&list.best(&Model::default(), day(TODAY))), [person(1)]);
}

#[test]
fn who_has_no_evidence_left_is_not_listed() {
    let mut list = Shortlist::default();
    list.update(&[standing(1, &[TODAY])]);
    list.update(&[standing(1, &[])]);
    assert_eq!(list, Shortlist::default());
}

#[test]
fn all_of_the_upper_bands_are_kept_and_of_the_others_the_best() {
    // Three numbers granted today are 50 % and more; one alone is less.
    let (hot, cold) = ([TODAY, TODAY, TODAY], [TODAY]);
    let mut list = Shortlist::default();
    let many = |range: std::ops::Range<u16>, days: &[i32]| range.map(|n| standing(n, days)).collect::<Vec<_>>();
    list.update(&many(0..150, &hot));
    list.update(&many(150..400, &cold));
    list.prune(&Model::default(), day(TODAY));
    assert_eq!(list.iter().count(), 150);
    list.prune(&Model::default(), day(TODAY + 60));
    assert_eq!(list.iter().count(), LISTED_MAX, "all have cooled down");
    assert_eq!(Shortlist::default().funnel(&Model::default(), day(TODAY), 7).customers, [7, 0, 0, 0]);
}
