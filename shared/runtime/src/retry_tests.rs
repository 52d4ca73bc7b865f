use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use super::*;

/// A timer whose time passes only in pauses.
#[derive(Default)]
struct Paused(Mutex<Vec<Duration>>);

impl Paused {
    fn pauses(&self) -> Vec<Duration> {
        self.0.lock().unwrap().clone()
    }
}

impl Timer for Paused {
    fn elapsed(&self) -> Duration {
        self.pauses().iter().sum()
    }

    fn sleep(&self, pause: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.0.lock().unwrap().push(pause);
        Box::pin(async {})
    }
}

const POLICY: Policy = Policy::of(6, 20, 100, 10_000).throttled();

/// Every random byte is this one.
fn retry(byte: u8) -> (Retry, Arc<Paused>) {
    let timer = Arc::new(Paused::default());
    let ids = Ids::from_fn(move |bytes| {
        bytes.fill(byte);
        Ok(())
    });
    (Retry::new(ids, Arc::clone(&timer) as Arc<dyn Timer>), timer)
}

/// Runs a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match Box::pin(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits for something else than the timer"),
    }
}

/// Fails with the errors, then succeeds; returns the result and the number of attempts.
fn run(retry: &Retry, policy: Policy, errors: Vec<Failure>) -> (Result<usize, Failure>, usize) {
    let mut errors = errors.into_iter();
    let mut attempts = 0;
    let result = now(retry.run(policy, || {
        attempts += 1;
        let result = errors.next().map_or(Ok(attempts), Err);
        async { result }
    }));
    (result, attempts)
}

fn millis(timer: &Paused) -> Vec<u128> {
    timer.pauses().iter().map(Duration::as_millis).collect()
}

#[test]
fn a_success_is_not_repeated() {
    let (retry, timer) = retry(0xff);
    assert_eq!(run(&retry, POLICY, vec![]), (Ok(1), 1));
    assert!(timer.pauses().is_empty());
}

#[test]
fn only_a_transient_error_is_tried_again() {
    let (retry, timer) = retry(0xff);
    assert_eq!(run(&retry, POLICY, vec![Failure::NotFound]), (Err(Failure::NotFound), 1));
    assert_eq!(run(&retry, POLICY, vec![Failure::Busy, Failure::KeyReused]), (Err(Failure::KeyReused), 2));
    assert_eq!(run(&retry, POLICY, vec![Failure::Busy, Failure::Throttled]), (Ok(3), 3));
    assert_eq!(timer.pauses().len(), 3);
}

#[test]
fn the_next_attempt_goes_on_where_the_last_one_ended() {
    let (retry, _) = retry(0xff);
    let take_two = |left: u32| async move {
        match left.saturating_sub(2) {
            0 => Ok("done"),
            left => Err((left, Failure::Busy)),
        }
    };
    assert_eq!(now(retry.run_with(POLICY, 11, take_two)), Ok("done"));
    assert_eq!(now(retry.run_with(POLICY, 101, take_two)), Err((89, Failure::Busy)));
}

#[test]
fn bounds_double_up_to_the_cap() {
    let (retry, timer) = retry(0xff);
    assert_eq!(run(&retry, POLICY, vec![Failure::Busy; 9]), (Err(Failure::Busy), 6));
    assert_eq!(millis(&timer), [20, 40, 80, 100, 100]);
}

#[test]
fn a_pause_is_a_random_share_of_its_bound() {
    for (byte, pauses) in [(0x00, [0, 0]), (0x80, [10, 20]), (0xff, [20, 40])] {
        let (retry, timer) = retry(byte);
        assert_eq!(run(&retry, POLICY, vec![Failure::Busy; 2]).0, Ok(3));
        assert_eq!(millis(&timer), pauses);
    }
}

#[test]
fn without_randomness_pauses_are_as_long_as_they_may_be() {
    let timer = Arc::new(Paused::default());
    let ids = Ids::from_fn(|_| Err(crate::ids::NoRandomness));
    let retry = Retry::new(ids, Arc::clone(&timer) as Arc<dyn Timer>);
    assert_eq!(run(&retry, POLICY, vec![Failure::Busy]).0, Ok(2));
    assert_eq!(millis(&timer), [20]);
}

#[test]
fn no_attempt_begins_after_the_deadline() {
    let (retry, timer) = retry(0xff);
    let policy = Policy { deadline: Duration::from_millis(150), ..POLICY };
    assert_eq!(run(&retry, policy, vec![Failure::Busy; 9]), (Err(Failure::Busy), 4));
    assert_eq!(millis(&timer), [20, 40, 80]);
}

#[test]
fn time_that_attempts_take_counts() {
    let (retry, timer) = retry(0xff);
    let result: Result<(), Failure> = now(retry.run(POLICY, async || {
        timer.sleep(Duration::from_secs(6)).await;
        Err(Failure::Busy)
    }));
    assert_eq!(result, Err(Failure::Busy));
    assert_eq!(timer.pauses().iter().filter(|pause| pause.as_secs() == 6).count(), 2);
}

#[test]
fn throttling_ends_a_flow_at_once_and_not_a_call_of_aws() {
    let (retry, _) = retry(0x80);
    assert_eq!(run(&retry, Policy::CONTENTION, vec![Failure::Throttled]), (Err(Failure::Throttled), 1));
    assert_eq!(run(&retry, Policy::TRANSACTION, vec![Failure::Throttled]), (Ok(2), 2));
    // A conflict ends by itself; more calls only make a busy table busier.
    let throttled = run(&retry, Policy::TRANSACTION, vec![Failure::Throttled; 20]);
    assert_eq!(throttled, (Err(Failure::Throttled), 5));
    assert_eq!(run(&retry, Policy::TRANSACTION, vec![Failure::Busy; 20]), (Ok(21), 21));
}

#[test]
fn a_login_has_time_for_wechat_and_a_merge() {
    // Four seconds at most for each of the two calls of a login that may need both.
    let wechat = Duration::from_secs(4);
    assert!(wechat + Policy::LOGIN_MERGE.deadline + Policy::TRANSACTION.deadline < Duration::from_secs(10));
}

#[test]
fn every_policy_ends_a_request_below_the_gateways_time_out() {
    for policy in [Policy::TRANSACTION, Policy::BATCH_GET, Policy::CONTENTION, Policy::SEGMENTS, Policy::WATCHERS] {
        // The last attempt may be a transaction that is itself retried.
        assert!(policy.deadline + Policy::TRANSACTION.deadline < Duration::from_secs(10), "{policy:?}");
        assert!(policy.base <= policy.cap && policy.cap < policy.deadline && policy.attempts > 1, "{policy:?}");
    }
}

/// xorshift64*: random enough for a simulation. From 0 up to 1.
fn xorshift(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Writers that each read one thing and write it on condition of its version, in simulated
/// time: an attempt that another one has overtaken fails. Returns when the last one is done.
fn last_of(writers: usize, policy: Policy, attempt_ms: u64, seed: u64) -> Duration {
    let mut share = xorshift(seed);
    let attempt = Duration::from_millis(attempt_ms);
    // When each writer's attempt ends, and how many it has made by then.
    let mut ends: Vec<(Duration, u32)> = (0..writers).map(|_| (attempt.mul_f64(1.0 + share()), 1)).collect();
    let mut written = Duration::ZERO;
    while let Some(next) = (0..ends.len()).min_by_key(|writer| ends[*writer].0) {
        let (end, attempts) = ends[next];
        if end.saturating_sub(attempt) >= written {
            written = end;
            ends.swap_remove(next);
        } else {
            let pause = policy.bound(attempts).mul_f64(share());
            assert!(attempts < policy.attempts && end + pause <= policy.deadline, "given up after {end:?}");
            ends[next] = (end + pause + attempt.mul_f64(1.0 + share()), attempts + 1);
        }
    }
    written
}

/// Transactions that ask for one item, in simulated time: one that begins while another is in flight
/// is cancelled at once. Returns when the last one is done, and the most attempts of one.
fn last_transaction_of(writers: usize, policy: Policy, in_flight_ms: u64, seed: u64) -> (Duration, u32) {
    let mut random = xorshift(seed);
    let in_flight = Duration::from_millis(in_flight_ms);
    // When each writer's next attempt begins, and how many it has made before.
    let mut begins: Vec<(Duration, u32)> = (0..writers).map(|_| (in_flight.mul_f64(random()), 0)).collect();
    let (mut free, mut most) = (Duration::ZERO, 0);
    while let Some(next) = (0..begins.len()).min_by_key(|writer| begins[*writer].0) {
        let (begin, before) = begins[next];
        most = most.max(before + 1);
        if begin >= free {
            free = begin + in_flight;
            begins.swap_remove(next);
        } else {
            let pause = policy.bound(before + 1).mul_f64(random());
            assert!(before + 1 < policy.attempts && begin + pause <= policy.deadline, "given up after {begin:?}");
            begins[next] = (begin + pause, before + 1);
        }
    }
    (free, most)
}

#[test]
fn twenty_transactions_of_one_member_are_done_before_the_deadline() {
    let runs = (1..2_000).map(|seed| last_transaction_of(20, Policy::TRANSACTION, 20, seed));
    let (last, most) = runs.fold((Duration::ZERO, 0), |all, run| (all.0.max(run.0), all.1.max(run.1)));
    assert!(last < Policy::TRANSACTION.deadline && most < Policy::TRANSACTION.attempts, "{last:?}, {most} attempts");
}

/// The queue calls the aggregator ten times at once, and gathers for a second.
#[test]
fn batches_of_one_person_are_counted_within_the_second_that_is_left_of_two() {
    let mut times: Vec<_> = (1..1_000).map(|seed| last_of(10, Policy::SEGMENTS, 25, seed)).collect();
    times.sort();
    assert!(times[989] < Duration::from_secs(1), "{:?}", times[989]);
}

#[test]
fn fifty_calls_for_one_person_are_done_before_the_deadline() {
    for seed in 1..200 {
        let last = last_of(50, Policy::SEGMENTS, 25, seed);
        assert!(last < Policy::SEGMENTS.deadline, "{seed}: {last:?}");
    }
}

#[test]
fn a_policy_ends_with_the_time_that_is_left() {
    let left = Duration::from_millis(300);
    assert_eq!(Policy::SEGMENTS.within(left).deadline, left);
    assert_eq!(Policy::SEGMENTS.within(Duration::MAX), Policy::SEGMENTS);
    let (retry, _) = retry(1);
    let attempts = run(&retry, Policy::SEGMENTS.within(Duration::ZERO), vec![Failure::Busy; 3]);
    assert_eq!(attempts, (Err(Failure::Busy), 1), "once in any case");
}

#[test]
fn sixty_writers_of_one_thing_are_done_before_the_deadline() {
    for seed in 1..200 {
        let last = last_of(60, Policy::CONTENTION, 25, seed);
        assert!(last < Policy::CONTENTION.deadline, "{seed}: {last:?}");
    }
}
