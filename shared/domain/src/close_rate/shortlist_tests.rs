use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::close_rate::evidence::{Evidence, Feature};
use crate::kernel::id::Id;

const TODAY: i32 = 20_000;

/// Three granted numbers of today are 50 % and more; one is less.
fn model() -> Model {
    Model::new(-3_892, [150, 300, 150, 250, 400, 300, 600, 900, 800, 2_500])
}

fn person(n: u16) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(u128::from(n)))
}

fn day(number: i32) -> Day {
    Day::from_number(number)
}

/// The rank of a customer who has granted their phone number on each of these days.
fn rank(days: &[i32]) -> Option<Rank> {
    let mut evidence = Evidence::default();
    for at in days {
        evidence.see(Feature::GrantPhone, day(*at));
    }
    model().rank(&evidence.on(day(TODAY + 1_000)))
}

fn ranked(days: &[i32]) -> Option<RankKey> {
    rank(days).map(RankKey::Ranked)
}

fn set(percent: u64) -> Option<RankKey> {
    Some(RankKey::Set(Rate::from_percent(percent).unwrap()))
}

fn rank_update(n: u16, place: Option<RankKey>) -> RankUpdate {
    RankUpdate { person: person(n), others: BTreeSet::new(), place }
}

fn list(updates: impl IntoIterator<Item = RankUpdate>) -> Shortlist {
    let mut list = Shortlist::new(model(), []);
    list.update(updates);
    list
}

fn ids(customers: &[RankedCustomer]) -> Vec<PersonId> {
    customers.iter().map(|customer| customer.person).collect()
}

/// What happens on a day.
#[derive(Debug, Clone)]
enum ShortlistStep {
    Visit(u16),
    /// Somebody sets the rate of this person who has none yet.
    Set(u16, u64),
    /// Somebody closes a deal, or removes a rate.
    Leave(u16),
}

fn acts() -> impl Strategy<Value = Vec<(i32, ShortlistStep)>> {
    let visit = (0i32..60, 0u16..500).prop_map(|(day, n)| (day, ShortlistStep::Visit(n)));
    let set = (0i32..60, 0u16..700, 0u64..=100).prop_map(|(day, n, percent)| (day, ShortlistStep::Set(n, percent)));
    let leave = (0i32..60, 0u16..700).prop_map(|(day, n)| (day, ShortlistStep::Leave(n)));
    let some = |acts, most| prop::collection::vec(acts, 0..most);
    (some(visit.boxed(), 700), some(set.boxed(), 400), some(leave.boxed(), SPARE))
        .prop_map(|(visits, set, leave)| [visits, set, leave].concat())
}

proptest! {
    /// Pruned every day, it shows the same as a list of everybody.
    #[test]
    fn what_is_let_go_is_never_missed(acts in acts()) {
        let (mut pruned, mut whole) = (Shortlist::new(model(), []), Shortlist::new(model(), []));
        let (mut days, mut rates) = (BTreeMap::<u16, Vec<i32>>::new(), BTreeMap::<u16, u64>::new());
        let mut closed = BTreeSet::new();
        for at in 0..60 {
            for (_, act) in acts.iter().filter(|(day, _)| *day == at) {
                let n = match act {
                    ShortlistStep::Visit(n) => {
                        days.entry(*n).or_default().push(TODAY + at);
                        n
                    }
                    // A rate that is lowered frees a place, too.
                    ShortlistStep::Set(n, percent) => {
                        let higher = rates.get(n).is_none_or(|rate| rate <= percent) && !days.contains_key(n);
                        if higher {
                            rates.insert(*n, *percent);
                        }
                        n
                    }
                    ShortlistStep::Leave(n) => {
                        closed.insert(*n);
                        n
                    }
                };
                let visited = days.get(n).map(Vec::as_slice).unwrap_or_default();
                let place = rates.get(n).map_or_else(|| ranked(visited), |percent| set(*percent));
                let known = rank_update(*n, place.filter(|_| !closed.contains(n)));
                pruned.update([known.clone()]);
                whole.update([known]);
            }
            pruned.prune(day(TODAY + at));
        }
        let (today, everybody) = (day(TODAY + 59), 1_000);
        prop_assert_eq!(pruned.best(today, None), whole.best(today, None));
        for band in Band::ALL {
            let (known, all) = (pruned.best(today, Some(*band)), whole.best(today, Some(*band)));
            prop_assert!(all.starts_with(&known) && (known.is_empty() == all.is_empty()), "{band:?}");
        }
        let closed = i64::try_from(closed.len()).unwrap();
        let funnel = pruned.funnel(today, everybody, closed);
        prop_assert_eq!(funnel, whole.funnel(today, everybody, closed));
        prop_assert_eq!(funnel.customers.iter().sum::<i64>(), everybody - closed);
        prop_assert!(pruned.iter().count() <= KEPT_MAX);
    }
}

#[test]
fn the_most_likely_come_first_and_of_equal_ones_the_earliest() {
    let list = list([
        rank_update(3, ranked(&[TODAY])),
        rank_update(2, ranked(&[TODAY, TODAY - 1])),
        rank_update(1, ranked(&[TODAY])),
        rank_update(5, set(100)),
        rank_update(4, set(1)),
        rank_update(6, set(100)),
    ]);
    let best = list.best(day(TODAY), None);
    assert_eq!(ids(&best), [5, 6, 2, 1, 3, 4].map(person));
    assert_eq!(best[3].rate, best[4].rate);
    assert!(best[2].rate > best[3].rate);
    // A rate set by hand does not fade.
    assert_eq!(ids(&list.best(day(TODAY + 300), None))[..2], [5, 6].map(person));
    assert_eq!(list.best(day(TODAY + 300), None)[5].rate.percent(), 1.0);
}

#[test]
fn a_place_reads_back_from_its_number() {
    for place in [ranked(&[TODAY]), set(0), set(37), set(100)].map(Option::unwrap) {
        assert_eq!(RankKey::from_number(place.number()), Some(place));
    }
    for number in [-1, SET + 10_001, i64::MAX] {
        assert_eq!(RankKey::from_number(number), None);
    }
}

#[test]
fn a_deal_goes_before_a_rate_set_by_hand_and_that_before_the_model() {
    let mut evidence = Evidence::default();
    let place = |evidence: &Evidence, set, closed| RankKey::of(&model(), &evidence.on(day(TODAY)), set, closed);
    assert_eq!(place(&evidence, None, false), Some(RankKey::Ranked(Rank::from_number(0))));
    evidence.see(Feature::Chat, day(TODAY));
    assert!(matches!(place(&evidence, None, false), Some(RankKey::Ranked(_))));
    let rate = Rate::from_percent(7).unwrap();
    assert_eq!(place(&evidence, Some(rate), false), Some(RankKey::Set(rate)));
    assert_eq!(place(&evidence, Some(rate), true), None);
}

#[test]
fn a_customer_without_evidence_has_the_base_rate_and_stands_last() {
    let none = RankKey::of(&model(), &Evidence::default().on(day(TODAY)), None, false);
    let list = list([rank_update(1, none), rank_update(2, ranked(&[TODAY - 100]))]);
    let best = list.best(day(TODAY), None);
    assert_eq!((ids(&best), best[1].rate), ([2, 1].map(person).to_vec(), model().base()));
}

#[test]
fn the_bands_are_as_many_as_there_are_without_a_deal() {
    let hot = ranked(&[TODAY, TODAY, TODAY]);
    let list = list([rank_update(1, hot), rank_update(2, ranked(&[TODAY])), rank_update(3, set(100))]);
    let bands = |everybody, closed| list.funnel(day(TODAY), everybody, closed).customers;
    assert_eq!((bands(3, 0), bands(9, 2)), ([1, 1, 0, 1], [5, 1, 0, 1]));
    assert_eq!((bands(3, 1), bands(3, 2), bands(3, 4)), ([1, 1, 0, 0], [1, 0, 0, 0], [0; 4]), "closed since");
}

#[test]
fn a_person_who_turns_out_to_be_another_is_listed_once() {
    let mut list = list([rank_update(1, ranked(&[TODAY])), rank_update(2, ranked(&[TODAY]))]);
    let others = BTreeSet::from([person(2)]);
    list.update([RankUpdate { person: person(1), others, place: ranked(&[TODAY, TODAY]) }]);
    assert_eq!(ids(&list.best(day(TODAY), None)), [person(1)]);
}

#[test]
fn a_person_without_evidence_left_is_not_listed() {
    let mut list = list([rank_update(1, ranked(&[TODAY]))]);
    list.update([rank_update(1, ranked(&[]))]);
    assert_eq!(list, Shortlist::new(model(), []));
}

#[test]
fn all_of_the_upper_bands_are_kept_and_of_the_others_the_best() {
    // Three numbers granted today are 50 % and more; one alone is less.
    let (hot, cold) = (ranked(&[TODAY, TODAY, TODAY]), ranked(&[TODAY]));
    let many = |range: std::ops::Range<u16>, place| range.map(move |n| rank_update(n, place));
    let mut list = list(many(0..200, hot).chain(many(200..400, cold)).chain(many(400..600, set(20))));
    list.prune(day(TODAY));
    assert_eq!(list.iter().count(), 200 + 2 * KEPT_OF_EACH);
    let below = list.best(day(TODAY), Some(Band::Below50));
    assert_eq!((below.len(), list.known(day(TODAY), Some(Band::Below50))), (LISTED_MAX, 2 * KEPT_OF_EACH));
    assert!(below.iter().all(|customer| Band::of(customer.rate) == Band::Below50));
    list.prune(day(TODAY + 60));
    assert_eq!(list.iter().count(), 2 * KEPT_OF_EACH, "all have cooled down");
    list.update(many(0..3_000, hot));
    list.update(many(3_000..6_000, set(90)));
    list.prune(day(TODAY));
    assert_eq!(list.iter().count(), KEPT_MAX);
    assert_eq!(Shortlist::new(model(), []).funnel(day(TODAY), 7, 2).customers, [5, 0, 0, 0]);
}
