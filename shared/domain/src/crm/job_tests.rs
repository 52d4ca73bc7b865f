use uuid::Uuid;

use super::*;
use crate::kernel::id::Id;

fn id<T: Id>(n: u128) -> T {
    T::from_uuid(Uuid::from_u128(n))
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000)
}

fn job(persons: u128) -> Job {
    let by = JobStarter { member: id(1), card: None, admin: false };
    let persons = (0..persons).map(id).collect();
    Job::new(id(3), by, &JobInput::BulkTags(BulkTags { persons, add: vec![id(4)], remove: Vec::new() }), now())
}

fn step(done: u32, skipped: u32, failed: u32) -> JobCounts {
    JobCounts { done, skipped, failed }
}

#[test]
fn a_job_is_done_when_all_customers_were_looked_at() {
    let begun = job(5).after(step(1, 1, 0), now());
    assert_eq!((begun.state, begun.counts.looked_at()), (JobState::Running, 2));
    let ended = begun.after(step(1, 1, 1), now());
    assert_eq!((ended.state, ended.counts, ended.is_open()), (JobState::Done, step(2, 2, 1), false));
}

#[test]
fn what_has_ended_is_not_cancelled() {
    let ended = job(1).after(step(1, 0, 0), now());
    assert_eq!(ended.cancelled(now().plus_millis(1)), ended);
    let failed = job(1).failed(JobFailure::RightsChanged, now());
    assert_eq!(failed.cancelled(now()).failure, Some(JobFailure::RightsChanged));
    assert_eq!(job(1).cancelled(now()).state, JobState::Cancelled);
}

#[test]
fn a_job_is_overdue_after_a_day() {
    assert!(!job(1).is_overdue(now().plus_millis(JOB_TIME_MS)));
    assert!(job(1).is_overdue(now().plus_millis(JOB_TIME_MS + 1)));
}

#[test]
fn members_see_their_own_jobs_and_admins_all() {
    let viewer = |n, admin| Viewer { member: id(n), card: None, admin };
    let sees = [viewer(1, false), viewer(9, false), viewer(9, true)].map(|viewer| job(1).is_visible_to(viewer));
    assert_eq!(sees, [true, false, true]);
}
