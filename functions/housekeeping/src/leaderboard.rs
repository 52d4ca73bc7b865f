//! Updates the leaderboards of companies: adds the new pages of their feeds to the breakdowns and
//! shortlists, and reads the employees' numbers for the ranking.

use domain::kernel::day::{Day, Window};
use domain::kernel::failure::Failure;
use domain::kernel::timestamp::Timestamp;
use domain::people::member::MemberStatus;
use domain::radar::breakdown::Additions;
use domain::radar::counter::Scope;
use domain::radar::ranking::Contender;
use store::{MemberFilter, Progress, Ranking, Store};

/// Pages read together.
const PAGES: u32 = 50;
/// Most rounds for one company in a run; the next run does the rest.
const ROUNDS_MAX: usize = 20;
/// Most items written together. A transaction has at most 100 actions. A single page never needs
/// more: it was one transaction itself, with a lifetime item for each scope.
const ITEMS_MAX: usize = 90;
/// Employees read together.
const MEMBERS: u32 = 100;
/// Most employees in a ranking: with the longest names and numbers it is one item of 400 KB.
const CONTENDERS_MAX: usize = 1_000;

/// Updates the leaderboards of a company with pages older than `lag_ms`: a page's id is made shortly
/// before the page is written, and an earlier id may be written later. Afterwards they are due
/// again, behind all that wait longer.
pub(crate) async fn update(store: &Store, before: Progress, now: Timestamp, lag_ms: i64) -> Result<(), Failure> {
    let (until, today) = (now.plus_millis(-lag_ms), Day::of(now));
    let mut progress = before;
    for _ in 0..ROUNDS_MAX {
        let pages = store.feed_pages(progress.company, progress.page, until, PAGES).await?;
        if pages.is_empty() {
            break;
        }
        let (mut last, mut group) = (None, Additions::default());
        for (page, segments) in pages {
            let additions = Additions::of(&segments);
            if let (Some(last), true) = (last, group.items_with(&additions) > ITEMS_MAX) {
                progress = store.add_to_leaderboards(progress, last, std::mem::take(&mut group), today).await?;
            }
            last = Some(page);
            group += additions;
        }
        if let Some(last) = last {
            progress = store.add_to_leaderboards(progress, last, group, today).await?;
        }
    }
    rank(store, progress, now).await?;
    store.postpone_leaderboards(progress, now.plus_millis(lag_ms)).await
}

/// Reads the numbers of all active employees with a card.
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
            let (name, department) = (member.name.to_string(), member.department);
            contenders.push(Contender { member: member.id, card, name, department, windows });
        }
        after = page.next;
        if after.is_none() || contenders.len() >= CONTENDERS_MAX {
            break;
        }
    }
    store.set_ranking(company, &Ranking { as_of: now, contenders }).await
}
