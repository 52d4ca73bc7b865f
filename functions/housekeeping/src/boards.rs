//! Bringing the boards of companies up to date: what their feeds have got since the last
//! time is added to the breakdowns, and the employees' numbers are read for the ranking.

use std::collections::BTreeMap;

use domain::breakdown::{Breakdown, break_down};
use domain::counter::Scope;
use domain::day::{Day, Window};
use domain::failure::Failure;
use domain::member::MemberStatus;
use domain::ranking::Contender;
use domain::timestamp::Timestamp;
use store::{MemberFilter, Progress, Ranking, Store};

/// Companies looked after in one run.
const COMPANIES_MAX: u32 = 100;
/// Pages read at once.
const PAGES: u32 = 50;
/// Most rounds for one company in a run; the rest waits for the next run.
const ROUNDS_MAX: usize = 20;
/// Most breakdowns written together; a transaction has at most 100 actions, and a single
/// page, which was one itself, never has more.
const BREAKDOWNS_MAX: usize = 90;
/// Employees read at once, and most of a ranking.
const MEMBERS: u32 = 100;
const CONTENDERS_MAX: usize = 2_000;

/// Brings the boards that are due up to date with pages older than `lag_ms`: a page's id
/// is made a moment before it is written, and a later one may come first. They are due
/// again after that time, behind all who wait longer. Gives how many companies it has
/// looked after.
pub(crate) async fn refresh(store: &Store, now: Timestamp, lag_ms: i64) -> Result<usize, Failure> {
    let (mut refreshed, mut failed) = (0, Ok(()));
    for progress in store.boards_due(now, COMPANIES_MAX).await? {
        match refresh_one(store, progress, now, lag_ms).await {
            Ok(()) => refreshed += 1,
            // Another run is at it.
            Err(Failure::Busy) => {}
            // One company that cannot be read must not stop the others; the run still fails.
            Err(failure) => failed = Err(failure),
        }
    }
    failed.map(|()| refreshed)
}

async fn refresh_one(store: &Store, before: Progress, now: Timestamp, lag_ms: i64) -> Result<(), Failure> {
    let until = now.plus_millis(-lag_ms);
    let mut progress = before;
    for _ in 0..ROUNDS_MAX {
        let pages = store.feed_pages(progress.company, progress.page, until, PAGES).await?;
        if pages.is_empty() {
            break;
        }
        let mut group: (_, BTreeMap<(Scope, Day), Breakdown>) = (None, BTreeMap::new());
        for (page, segments) in pages {
            let broken = break_down(&segments);
            let fresh = broken.keys().filter(|place| !group.1.contains_key(place)).count();
            if let (Some(last), true) = (group.0, group.1.len() + fresh > BREAKDOWNS_MAX) {
                progress = store.add_to_boards(progress, last, std::mem::take(&mut group.1)).await?;
            }
            group.0 = Some(page);
            for (place, breakdown) in broken {
                *group.1.entry(place).or_default() += breakdown;
            }
        }
        if let (Some(last), breakdowns) = group {
            progress = store.add_to_boards(progress, last, breakdowns).await?;
        }
    }
    rank(store, progress, now).await?;
    store.postpone_boards(progress, now.plus_millis(lag_ms)).await
}

/// Reads the numbers of every active employee with a card.
async fn rank(store: &Store, progress: Progress, now: Timestamp) -> Result<(), Failure> {
    let (company, today) = (progress.company, Day::of(now));
    let first = Window::Last30Days.days(today).0.unwrap_or(today);
    let filter = MemberFilter { status: Some(MemberStatus::Active), ..MemberFilter::default() };
    let (mut contenders, mut after) = (Vec::new(), None);
    loop {
        let page = store.list_members(company, &filter, after, MEMBERS).await?;
        for member in page.items {
            let Some(card) = member.card else { continue };
            let counts = store.counters(company, Scope::Card(card), first).await?;
            let windows = Window::ALL.map(|window| counts.metrics(window, today));
            contenders.push(Contender { member: member.id, card, name: member.name.to_string(), windows });
        }
        after = page.next;
        if after.is_none() || contenders.len() >= CONTENDERS_MAX {
            break;
        }
    }
    store.set_ranking(company, &Ranking { as_of: now, contenders }).await
}
