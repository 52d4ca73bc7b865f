//! Counts the segments of one company: plans a transaction and commits it. If it is rejected, drops
//! the segments that were counted before, or reads again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::company::Company;
use domain::crm::identities::Customer;
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use domain::radar::aggregate::{AggregationPlan, Segment, plan};
use runtime::batch::Outcome;
use runtime::delivery::Reason;
use runtime::retry::Policy;
use store::{Commit, CommitError};

use crate::Aggregator;

/// A segment and the delivery it came in.
type Queued = (usize, Segment);
/// Deliveries that were not counted, and why.
type Failed = Vec<(usize, Outcome)>;

/// Counts the segments of a call that began at `begun`, by the timer of retries; returns the deliveries
/// that failed.
pub(crate) async fn count<D>(
    aggregator: &Aggregator<D>,
    company: Company,
    queued: Vec<Queued>,
    begun: Duration,
) -> Failed {
    let retry = aggregator.store.retry();
    let (mut queued, mut failed) = (without_repeats(queued), Failed::new());
    while !queued.is_empty() {
        // As soon as a round has settled a segment, the next begins with short pauses.
        let settle = |(mut queued, mut failed)| async move {
            let result = round(aggregator, company, &mut queued, &mut failed).await;
            let state = (queued, failed);
            match result {
                Ok(true) => Ok(state),
                Ok(false) => Err((state, Failure::Busy)),
                Err(failure) => Err((state, failure)),
            }
        };
        let spent = retry.elapsed().saturating_sub(begun);
        let policy = Policy::SEGMENTS.within(aggregator.conflicts_end.saturating_sub(spent));
        match retry.run_with(policy, (queued, failed), settle).await {
            Ok(state) => (queued, failed) = state,
            Err(((left, mut failed), failure)) => {
                let reason = Reason::from(&failure);
                failed.extend(left.into_iter().map(|(delivery, _)| (delivery, Outcome::Retry(reason.clone()))));
                return failed;
            }
        }
    }
    failed
}

/// A batch that is delivered twice at the same time is counted once; other content under the same
/// batch id is logged by itself and not counted.
fn without_repeats(queued: Vec<Queued>) -> Vec<Queued> {
    let mut kept: BTreeMap<_, Queued> = BTreeMap::new();
    for (delivery, segment) in queued {
        let is_other = |(_, first): &Queued| first.fingerprint != segment.fingerprint;
        let segment = if kept.get(&segment.key).is_some_and(is_other) { segment.reused() } else { segment };
        kept.entry(segment.key).or_insert((delivery, segment));
    }
    kept.into_values().collect()
}

/// One transaction: removes the segments that it has settled from the queue. Returns whether it
/// has brought the queue any further.
async fn round<D>(
    aggregator: &Aggregator<D>,
    company: Company,
    queued: &mut Vec<Queued>,
    failed: &mut Failed,
) -> Result<bool, Failure> {
    let before = queued.len();
    let known = known(aggregator, company, queued, failed).await?;
    let segments: Vec<_> = queued.iter().map(|(_, segment)| segment).collect();
    let plan = plan(&segments, &known);
    let mut settled: BTreeSet<usize> = plan.refused.iter().map(|(position, _)| *position).collect();
    for (position, error) in &plan.refused {
        failed.push((queued[*position].0, Outcome::Poison(Reason::new("cannot_be_counted", error))));
    }
    let result = if plan.segments.is_empty() { Ok(()) } else { commit(aggregator, company, &segments, &plan).await };
    let mut reused = Vec::new();
    let result = match result {
        Ok(()) => {
            settled.extend(&plan.segments);
            Ok(())
        }
        Err(CommitError::Duplicates(duplicates)) => {
            for (nth, fingerprint) in duplicates {
                let position = plan.segments[nth];
                if fingerprint == segments[position].fingerprint {
                    settled.insert(position);
                } else {
                    reused.push(position);
                }
            }
            Ok(())
        }
        Err(CommitError::Stale) => Err(Failure::Busy),
        Err(CommitError::Store(failure)) => Err(failure),
    };
    for position in &reused {
        let (_, segment) = &mut queued[*position];
        *segment = segment.clone().reused();
    }
    let mut position = 0;
    queued.retain(|_| {
        position += 1;
        !settled.contains(&(position - 1))
    });
    match result {
        Ok(()) | Err(Failure::Busy | Failure::Throttled) if queued.len() < before || !reused.is_empty() => Ok(true),
        Ok(()) => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// The states of the persons and of their other identities. A person with an unreadable state fails
/// alone.
async fn known<D>(
    aggregator: &Aggregator<D>,
    company: Company,
    queued: &mut Vec<Queued>,
    failed: &mut Failed,
) -> Result<BTreeMap<PersonId, Customer>, Failure> {
    let persons: BTreeSet<_> = queued.iter().map(|(_, segment)| segment.key.person).collect();
    let persons: Vec<_> = persons.into_iter().collect();
    let (mut known, mut unreadable) = (BTreeMap::new(), Vec::new());
    for (person, customer) in aggregator.store.customers(company, &persons).await? {
        match customer {
            Ok(customer) => drop(known.insert(person, customer)),
            Err(failure) => unreadable.push((person, Reason::from(&failure))),
        }
    }
    for (person, reason) in unreadable {
        let is_part = |of: &PersonId| known.get(of).is_some_and(|customer| customer.links.group.has(person));
        let concerned =
            queued.extract_if(.., |(_, segment)| segment.key.person == person || is_part(&segment.key.person));
        failed.extend(concerned.map(|(delivery, _)| (delivery, Outcome::Retry(reason.clone()))));
    }
    Ok(known)
}

async fn commit<D>(
    aggregator: &Aggregator<D>,
    company: Company,
    segments: &[&Segment],
    plan: &AggregationPlan,
) -> Result<(), CommitError> {
    let judged = |position: &usize| plan.judged.get(position).unwrap_or(segments[*position]);
    let counted: Vec<_> = plan.segments.iter().map(judged).collect();
    let now = aggregator.clock.now();
    let page = aggregator.ids.uuid(now);
    let page = page.map_err(|error| CommitError::Store(Failure::Unavailable(error.to_string())))?;
    aggregator.store.commit_segments(company, Commit { segments: &counted, plan, page, now }).await
}
