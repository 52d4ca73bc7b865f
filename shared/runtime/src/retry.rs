//! Retries: the only loop of its kind, and the only place that sleeps.
//!
//! A pause is random between zero and a bound that doubles (full jitter), so that callers that
//! collided once do not collide again. Each policy has a name, a maximum number of attempts and a
//! total deadline; a request ends below the ten seconds of the gateway.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use domain::kernel::failure::Failure;

use crate::ids::Ids;

#[cfg(test)]
#[path = "retry_tests.rs"]
mod tests;

/// How often and how fast an operation is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Most attempts, the first one included.
    pub attempts: u32,
    /// Bound of the first pause; each next bound is twice as long.
    pub base: Duration,
    /// No bound is longer than this.
    pub cap: Duration,
    /// No attempt begins later than this after the first one.
    pub deadline: Duration,
    /// Most attempts while the table throttles: more than one only where an attempt is one call of
    /// AWS.
    pub throttled: u32,
}

impl Policy {
    /// A transaction that conflicts with another one, or that the table throttles. All writes of one
    /// member ask for that member, and so conflict: twenty of them at once succeed.
    pub const TRANSACTION: Self = Self::of(40, 25, 200, 2_500).throttled();
    /// Items that a batch read left out.
    pub const BATCH_GET: Self = Self::of(5, 25, 200, 2_000).throttled();
    /// Reading an item, changing it and writing it on condition of its version, while up to a
    /// hundred others do the same. The deadline ends it.
    pub const CONTENTION: Self = Self::of(100, 25, 1_000, 7_000);
    /// Merging at a login, which has waited for WeChat before: the client sends what is not
    /// merged with its next login.
    pub const LOGIN_MERGE: Self = Self::of(20, 25, 400, 1_500);
    /// Counting a group of segments while up to fifty other calls count the same people. The deadline
    /// ends it; the queue soon shows again what was not counted.
    pub const SEGMENTS: Self = Self::of(500, 25, 400, 4_500);
    /// The watchers of one card: up to forty sockets come, go and are written to at once.
    pub const WATCHERS: Self = Self::of(60, 10, 200, 6_000);

    const fn of(attempts: u32, base_ms: u64, cap_ms: u64, deadline_ms: u64) -> Self {
        let (base, cap) = (Duration::from_millis(base_ms), Duration::from_millis(cap_ms));
        Self { attempts, base, cap, deadline: Duration::from_millis(deadline_ms), throttled: 1 }
    }

    /// The same for what has only so much time left. The first attempt is made in any case.
    #[must_use]
    pub fn within(self, left: Duration) -> Self {
        Self { deadline: self.deadline.min(left), ..self }
    }

    const fn throttled(self) -> Self {
        Self { throttled: 5, ..self }
    }

    /// The longest pause after `attempts` attempts, at least one.
    fn bound(self, attempts: u32) -> Duration {
        let factor = 2_u32.saturating_pow(attempts.saturating_sub(1));
        self.base.saturating_mul(factor).min(self.cap)
    }
}

/// An error that may be transient.
pub trait Transient {
    /// Whether the same attempt may succeed later, under this policy and after so many attempts.
    fn is_transient(&self, policy: Policy, attempts: u32) -> bool;
}

impl Transient for Failure {
    fn is_transient(&self, policy: Policy, attempts: u32) -> bool {
        matches!(self, Self::Busy) || attempts < policy.throttled && matches!(self, Self::Throttled)
    }
}

/// Time, and waiting.
pub trait Timer: Send + Sync {
    /// Time since a fixed moment.
    fn elapsed(&self) -> Duration;

    /// Waits.
    fn sleep(&self, pause: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The machine's timer.
struct SystemTimer(tokio::time::Instant);

impl Timer for SystemTimer {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, pause: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(pause))
    }
}

/// Runs attempts until one succeeds.
#[derive(Clone)]
pub struct Retry {
    ids: Ids,
    timer: Arc<dyn Timer>,
}

impl Retry {
    /// With the machine's randomness and timer.
    pub fn system() -> Self {
        Self::new(Ids::system(), Arc::new(SystemTimer(tokio::time::Instant::now())))
    }

    /// With this randomness and this timer.
    pub fn new(ids: Ids, timer: Arc<dyn Timer>) -> Self {
        Self { ids, timer }
    }

    /// Time since a fixed moment, by the timer.
    pub fn elapsed(&self) -> Duration {
        self.timer.elapsed()
    }

    /// The first success, or the first error that is not transient, or the last error if the policy
    /// allows no further attempt.
    ///
    /// # Errors
    /// Errors of the attempt.
    pub async fn run<T, E, F>(&self, policy: Policy, mut attempt: impl FnMut() -> F) -> Result<T, E>
    where
        E: Transient,
        F: Future<Output = Result<T, E>>,
    {
        let attempt = |()| {
            let attempt = attempt();
            async { attempt.await.map_err(|error| ((), error)) }
        };
        self.run_with(policy, (), attempt).await.map_err(|((), error)| error)
    }

    /// The same for attempts that continue where the last one ended: each takes the state and, if
    /// it fails, returns it.
    ///
    /// # Errors
    /// Errors of the attempt, with the state after it.
    pub async fn run_with<S, T, E, F>(
        &self,
        policy: Policy,
        mut state: S,
        mut attempt: impl FnMut(S) -> F,
    ) -> Result<T, (S, E)>
    where
        E: Transient,
        F: Future<Output = Result<T, (S, E)>>,
    {
        let begin = self.timer.elapsed();
        let mut attempts = 0;
        loop {
            attempts += 1;
            // Boxed: an attempt may be large, and the caller's future would hold all of it.
            let error = match Box::pin(attempt(state)).await {
                Err((after, error)) if error.is_transient(policy, attempts) => {
                    state = after;
                    error
                }
                done => return done,
            };
            let pause = self.jitter(policy.bound(attempts));
            let next = self.timer.elapsed().saturating_sub(begin).saturating_add(pause);
            if attempts >= policy.attempts || next > policy.deadline {
                return Err((state, error));
            }
            self.timer.sleep(pause).await;
        }
    }

    /// A random time up to `bound`; without randomness the bound itself.
    fn jitter(&self, bound: Duration) -> Duration {
        let share = self.ids.bytes().map_or(u32::MAX, u32::from_le_bytes);
        bound.mul_f64(f64::from(share) / f64::from(u32::MAX))
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Retry")
    }
}
