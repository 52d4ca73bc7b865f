use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::tracking::batch::EVENTS_MAX;

fn noon() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap()
}

/// A bucket that is filled drop by drop: tokens in thousandths, each millisecond.
struct CountedBucket {
    capacity: i64,
    tokens: i64,
    per_ms: i64,
}

impl CountedBucket {
    fn pass(&mut self, ms: i64) {
        self.tokens = (self.tokens + ms * self.per_ms).min(self.capacity);
    }

    fn spend(&mut self, tokens: i64) -> bool {
        let enough = self.tokens >= tokens;
        if enough {
            self.tokens -= tokens;
        }
        enough
    }
}

#[test]
fn the_table_of_budgets_is_in_order_and_has_room_for_what_one_request_asks() {
    let names: BTreeSet<_> = BUDGETS.iter().map(|budget| budget.name.name()).collect();
    assert_eq!(names.len(), BUDGETS.len());
    for budget in BUDGETS {
        assert_eq!(budget.name.budget().name, budget.name, "{:?}", budget.name);
        assert!((1..=RATES_MAX).contains(&budget.rates.len()), "{:?}", budget.name);
        assert!(budget.rates.iter().all(|rate| rate.capacity > 0 && rate.token_us > 0), "{:?}", budget.name);
        // A later rate is for a longer time; otherwise it would never be the one that refuses.
        assert!(budget.rates.is_sorted_by(|a, b| a.capacity < b.capacity && a.token_us < b.token_us));
    }
    let capacity = |name: BudgetName| name.budget().rates[0].capacity;
    for name in [BudgetName::Events, BudgetName::CompanyEvents, BudgetName::AddressEvents] {
        assert!(capacity(name) >= u64::try_from(EVENTS_MAX).unwrap(), "{name:?}");
    }
}

#[test]
fn a_bucket_gives_what_it_holds_and_then_one_token_at_a_time() {
    let budget = BudgetName::PhoneGrants.budget();
    let mut bucket = Bucket::default();
    for _ in 0..budget.rates[0].capacity {
        bucket = bucket.spend(budget, 1, noon()).unwrap();
    }
    let refused = bucket.spend(budget, 1, noon()).unwrap_err();
    assert_eq!((refused.budget, refused.retry_after_s()), (BudgetName::PhoneGrants, 7_200));
    let again_at = noon().plus_millis(7_200_000);
    assert!(bucket.spend(budget, 1, again_at.plus_millis(-1)).is_err());
    let bucket = bucket.spend(budget, 1, again_at).unwrap();
    assert!(bucket.spend(budget, 1, again_at).is_err(), "only one has come back");
    assert!(!bucket.is_full(again_at) && bucket.is_full(again_at.plus_millis(20 * 3_600_000)));
}

#[test]
fn a_refusal_is_a_bucket_that_refuses_for_just_as_long() {
    for (name, tokens) in
        [(BudgetName::RefusedLoginCodes, 1), (BudgetName::CodeGuesses, 1), (BudgetName::UploadBytes, 7)]
    {
        let budget = name.budget();
        let empty = budget.rates.iter().map(|rate| rate.capacity).min().unwrap();
        let bucket = Bucket::default().spend(budget, empty, noon()).unwrap();
        let over = bucket.spend(budget, tokens, noon()).unwrap_err();
        let lacking = Bucket::lacking(over, tokens, noon());
        assert_eq!(lacking.spend(budget, tokens, noon()), Err(over));
        let again_at = noon().plus_millis(over.wait_us / MILLISECOND_US);
        assert!(lacking.spend(budget, tokens, again_at.plus_millis(-1)).is_err(), "{name:?}");
        assert!(lacking.spend(budget, tokens, again_at).is_ok(), "{name:?}");
    }
}

#[test]
fn the_delay_between_guesses_grows() {
    let budget = BudgetName::CodeGuesses.budget();
    let (mut bucket, mut now, mut delays) = (Bucket::default(), noon(), Vec::new());
    for _ in 0..40 {
        let wait_s = bucket.spend(budget, 1, now).err().map_or(0, OverBudget::retry_after_s);
        now = now.plus_millis(i64::from(wait_s) * 1_000);
        bucket = bucket.spend(budget, 1, now).unwrap();
        delays.push(wait_s);
    }
    assert_eq!(delays[..10], [0; 10]);
    assert_eq!(delays[10..20], [60; 10]);
    assert!((1_000..=1_800).contains(&delays[20]), "{delays:?}");
    assert_eq!(delays[21..26], [1_800; 5]);
    assert_eq!(delays[39], 72 * 60);
    assert!(delays.is_sorted(), "{delays:?}");
}

#[test]
fn what_a_caller_reads_names_the_time_to_wait() {
    let detail = |wait_us| OverBudget { budget: BudgetName::Sessions, wait_us }.detail();
    assert_eq!(detail(1), "当前网络的登录过于频繁，请 1 秒后再试");
    assert_eq!(detail(200 * SECOND_US), "当前网络的登录过于频繁，请 4 分钟后再试");
    assert_eq!(detail(3 * HOUR_US), "当前网络的登录过于频繁，请 3 小时后再试");
}

proptest! {
    #[test]
    fn one_number_is_a_bucket_that_fills_drop_by_drop(
        capacity in 1u64..40,
        steps in prop::collection::vec((0i64..400, 1u64..6), 1..120),
    ) {
        // One token in 100 ms; the model counts hundredths of a token.
        let rates: &'static [BudgetRate] = vec![rate(capacity, 100 * MILLISECOND_US)].leak();
        let budget = Budget { rates, ..*BudgetName::Requests.budget() };
        let whole = i64::try_from(capacity).unwrap() * 100;
        let mut model = CountedBucket { capacity: whole, tokens: whole, per_ms: 1 };
        let (mut bucket, mut now) = (Bucket::default(), noon());
        for (ms, tokens) in steps {
            now = now.plus_millis(ms);
            model.pass(ms);
            let needed = i64::try_from(tokens).unwrap() * 100;
            let missing = needed - model.tokens;
            match bucket.spend(&budget, tokens, now) {
                Ok(after) => {
                    prop_assert!(model.spend(needed));
                    bucket = after;
                }
                Err(refused) => {
                    prop_assert!(!model.spend(needed));
                    prop_assert_eq!(refused.wait_us, missing * MILLISECOND_US);
                }
            }
            prop_assert_eq!(bucket.is_full(now), model.tokens == model.capacity);
        }
    }
}
