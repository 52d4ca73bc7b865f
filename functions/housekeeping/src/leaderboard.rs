//! Updates the leaderboards of companies: adds the new pages of their feeds to the breakdowns and
//! shortlists, and reads the employees' numbers for the ranking.

use domain::kernel::day::{Day, Window};
use domain::kernel::failure::Failure;
use domain::kernel::timestamp::Timestamp;
use domain::radar::breakdown::Additions;
use domain::radar::counter::Scope;
use domain::radar::ranking::Contender;
use store::{Progress, PutAside, Ranking, Store};

/// Pages read together.
const PAGES: u32 = 50;
/// Most rounds for one company in a run; the next run does the rest.
const ROUNDS_MAX: usize = 20;
/// Employees read together.
const MEMBERS: u32 = 100;
/// With so many employees a ranking is full, to the end of the page.
const CONTENDERS_MAX: usize = 1_000;

/// Updates the leaderboards of a company with pages older than `lag_ms`: a page's id is made shortly
/// before the page is written, and an earlier id may be written later. Afterwards they are due
/// again, behind all that wait longer. Whatever cannot be read is put aside and stops nothing else.
pub(crate) async fn update(
    store: &Store,
    before: Progress,
    now: Timestamp,
    lag_ms: i64,
    aside: &mut PutAside,
) -> Result<(), Failure> {
    let (until, today) = (now.plus_millis(-lag_ms), Day::of(now));
    let mut progress = split(store, before, aside).await?;
    for _ in 0..ROUNDS_MAX {
        let pages = store.feed_pages(progress.company, progress.page, until, PAGES, aside).await?;
        let Some((last, _)) = pages.last() else { break };
        let (last, mut additions) = (*last, Additions::default());
        for (page, segments) in &pages {
            additions.add(*page, segments);
        }
        progress = store.add_to_leaderboards(progress, last, additions, today, aside).await?;
    }
    rank(store, progress, now, aside).await?;
    store.postpone_leaderboards(progress, now.plus_millis(lag_ms)).await
}

/// Splits breakdowns of layout 1, if there are any: once for a company.
async fn split(store: &Store, progress: Progress, aside: &mut PutAside) -> Result<Progress, Failure> {
    let Some(page) = progress.mixed else { return Ok(progress) };
    let company = progress.company;
    let cards = store.every_card(company, aside).await?;
    for scope in cards.into_iter().map(Scope::Card).chain([Scope::Company]) {
        store.split_breakdowns(company, scope, page, aside).await?;
    }
    store.end_split(progress).await
}

/// Reads the numbers of all active employees with a card.
async fn rank(store: &Store, progress: Progress, now: Timestamp, aside: &mut PutAside) -> Result<(), Failure> {
    let (company, today) = (progress.company, Day::of(now));
    let first = Window::Last30Days.days(today).0.unwrap_or(today);
    let (mut contenders, mut after, mut complete) = (Vec::new(), None, true);
    while contenders.len() < CONTENDERS_MAX {
        let page = store.active_members(company, after, MEMBERS, aside).await?;
        for member in page.items {
            let Some(card) = member.card else { continue };
            let Some(counts) = store.counters_of_contender(company, card, first, aside).await? else { continue };
            let windows = Window::ALL.map(|window| counts.metrics(window, today));
            let (name, department) = (member.name.to_string(), member.department);
            contenders.push(Contender { member: member.id, card, name, department, windows });
        }
        after = page.next;
        complete = after.is_none();
        if complete {
            break;
        }
    }
    store.set_ranking(company, &Ranking { as_of: now, contenders, complete }).await
}
