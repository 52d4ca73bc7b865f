use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::close_rate::model::{Model, Rank};
use crate::close_rate::shortlist::RankUpdate;
use crate::kernel::id::Id;

const TODAY: i32 = 20_000;

fn person(n: usize) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(n as u128))
}

/// Ranks of the last weeks, and rates set by hand.
fn key() -> impl Strategy<Value = RankKey> {
    let half_lives = i64::from(TODAY / 14) << 32;
    prop_oneof![
        8 => (-(1i64 << 34)..1 << 32).prop_map(move |after| RankKey::Ranked(Rank::from_number(half_lives + after))),
        1 => (0u64..=100).prop_map(|percent| RankKey::Set(Rate::from_percent(percent).unwrap())),
    ]
}

fn list_of(keys: &[RankKey]) -> Shortlist {
    let mut list = Shortlist::new(Model::default(), []);
    list.update(keys.iter().enumerate().map(|(n, key)| RankUpdate {
        person: person(n),
        others: BTreeSet::new(),
        place: Some(*key),
    }));
    list
}

/// By counting all.
fn truth(list: &Shortlist, keys: &[RankKey], n: usize, today: Day) -> u64 {
    keys.iter().filter(|key| place(list, **key, today) > place(list, keys[n], today)).count() as u64
}

proptest! {
    #[test]
    fn a_share_is_exact_for_who_is_listed_and_within_a_twentieth_for_the_others(
        keys in prop::collection::vec(key(), 1..500), later in 0i32..30, few in 1usize..30,
    ) {
        let today = Day::from_number(TODAY + later);
        for keys in [&keys[..], &keys[..few.min(keys.len())]] {
            let whole = list_of(keys);
            let spread = RankSpread::of(&whole, keys.to_vec(), Day::from_number(TODAY));
            let mut list = whole.clone();
            list.prune(today);
            let step = keys.len().div_ceil(8);
            for n in (0..keys.len()).step_by(step) {
                let truth = truth(&whole, keys, n, today);
                let share = list.rank_share(&spread, (&BTreeSet::from([person(n)]), keys[n]), today).unwrap();
                prop_assert_eq!(share.customers, keys.len() as u64);
                let of_one_kind = keys.iter().all(|key| matches!(key, RankKey::Ranked(_)));
                if list.holds(person(n)) {
                    let is_exact = of_one_kind || !list.is_cut(today);
                    prop_assert!(share.above == truth || !is_exact && share.above < truth, "{} of {truth}", share.above);
                } else if of_one_kind {
                    prop_assert!(share.above.abs_diff(truth) <= keys.len() as u64 / 20 + 2, "{} of {}", share.above, truth);
                }
                prop_assert!(share.above < share.customers);
            }
        }
    }

    #[test]
    fn a_higher_rate_never_has_the_worse_place(keys in prop::collection::vec(key(), 2..400), later in 0i32..30) {
        let today = Day::from_number(TODAY + later);
        let mut list = list_of(&keys);
        let spread = RankSpread::of(&list, keys.clone(), today);
        list.prune(today);
        let nobody = BTreeSet::from([person(9_999)]);
        let above = |key: RankKey| list.rank_share(&spread, (&nobody, key), today).map(|share| share.above);
        for pair in keys.windows(2) {
            if let (Some(one), Some(other)) = (above(pair[0]), above(pair[1])) {
                let order = place(&list, pair[0], today).cmp(&place(&list, pair[1], today));
                prop_assert!(order.is_eq() || order.is_gt() == (one < other) || one == other);
            }
        }
    }

    #[test]
    fn a_spread_reads_back(keys in prop::collection::vec(key(), 0..100)) {
        let spread = RankSpread::of(&list_of(&keys), keys, Day::from_number(TODAY));
        let mut bytes = Vec::new();
        spread.pack(&mut bytes);
        prop_assert_eq!(RankSpread::unpack(&mut bytes.as_slice()), Some(spread));
        prop_assert!(bytes.len() < 160);
    }
}

#[test]
fn a_place_is_named_in_percent_rounded_up() {
    let first = |above, customers| RankShare { above, customers }.first_percent();
    assert_eq!([first(0, 100), first(4, 100), first(0, 1), first(2, 3), first(0, 100_000)], [1, 5, 100, 100, 1]);
    assert_eq!(RankShare { above: 9, customers: 0 }.first_basis_points(), 10_000);
}

#[test]
fn a_list_that_was_cut_says_nothing_before_its_first_spread() {
    let keys: Vec<_> = (0..300).map(|n| RankKey::Ranked(Rank::from_number((1_000 << 32) + n))).collect();
    let mut list = list_of(&keys);
    list.prune(Day::from_number(TODAY));
    let share = |n: usize| {
        list.rank_share(&RankSpread::default(), (&BTreeSet::from([person(n)]), keys[n]), Day::from_number(TODAY))
    };
    assert_eq!((list.len(), share(0), share(299)), (150, None, None));
    let few = list_of(&keys[..100]);
    let share =
        few.rank_share(&RankSpread::default(), (&BTreeSet::from([person(99)]), keys[99]), Day::from_number(TODAY));
    assert_eq!(share, Some(RankShare { above: 0, customers: 100 }));
}
