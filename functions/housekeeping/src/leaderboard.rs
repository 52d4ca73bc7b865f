//! Updates the leaderboards of companies: follows who is a member, adds the new pages of their feeds
//! to the breakdowns and shortlists, and reads the employees' numbers for the ranking.

use std::collections::{BTreeMap, BTreeSet};

use domain::company::Company;
use domain::crm::member_directory::{DirectoryEntry, MemberDirectory};
use domain::kernel::day::{Day, Window};
use domain::kernel::failure::Failure;
use domain::kernel::id::{Id, PersonId};
use domain::kernel::timestamp::Timestamp;
use domain::people::member::{Member, MemberStatus};
use domain::radar::breakdown::{Additions, StaffMark};
use domain::radar::counter::Scope;
use domain::radar::ranking::Contender;
use store::{Progress, PutAside, Ranking, Store};

/// Pages read together.
const PAGES: u32 = 50;
/// Most rounds for one company in a run; the next run does the rest.
const ROUNDS_MAX: usize = 20;
/// Most members who are followed in a run; the next run does the rest.
const FOLLOWED_MAX: usize = 500;
/// Employees read together.
const MEMBERS: u32 = 100;
/// Most employees in a ranking.
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
    let all = members(store, progress.company, aside).await?;
    let now_stands = fingerprint(&all);
    if progress.staff != Some(now_stands) {
        store.set_member_directory(progress.company, &MemberDirectory::of(all.iter().map(entry))).await?;
        // Who owns whom follows from it.
        let listed = store.listed_persons(progress.company).await?;
        store.refresh_list(progress.company, &listed, today, aside).await?;
    }
    let members: Vec<_> = all.into_iter().filter(|member| member.status() == MemberStatus::Active).collect();
    progress.staff = follow(store, progress, (&members, now_stands), now, aside).await?;
    let staff = marks(&members);
    for _ in 0..ROUNDS_MAX {
        let pages = store.feed_pages(progress.company, progress.page, until, PAGES, aside).await?;
        let Some((last, _)) = pages.last() else { break };
        let (last, mut additions) = (*last, Additions::default());
        for (page, segments) in &pages {
            additions.add(*page, segments);
        }
        additions.mark_staff(&staff);
        progress = store.add_to_leaderboards(progress, last, additions, today, aside).await?;
    }
    store.fold_list(progress.company, now).await?;
    rank(store, progress, members, now, aside).await?;
    store.postpone_leaderboards(progress, now.plus_millis(lag_ms)).await
}

/// Every member, those who are gone too.
async fn members(store: &Store, company: Company, aside: &mut PutAside) -> Result<Vec<Member>, Failure> {
    let (mut members, mut after) = (Vec::new(), None);
    loop {
        let page = store.members_after(company, after, MEMBERS, aside).await?;
        members.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(members);
        }
    }
}

/// Members are no customers: the states of those who have joined or left since the last time follow.
/// Returns what stands for the members when all have.
async fn follow(
    store: &Store,
    progress: Progress,
    (members, now_stands): (&[Member], u64),
    now: Timestamp,
    aside: &mut PutAside,
) -> Result<Option<u64>, Failure> {
    if progress.staff == Some(now_stands) {
        return Ok(progress.staff);
    }
    let persons: BTreeSet<_> = members.iter().filter_map(|member| member.person).collect();
    let all = store.follow_members(progress.company, &persons, FOLLOWED_MAX, now, aside).await?;
    Ok(if all { Some(now_stands) } else { progress.staff })
}

/// What the directory says of a member.
fn entry(member: &Member) -> DirectoryEntry {
    let Member { id, card, department, ended, .. } = *member;
    DirectoryEntry { member: id, card, department, active: ended.is_none() }
}

/// FNV-1a of the persons who are active members, and of the directory.
fn fingerprint(members: &[Member]) -> u64 {
    let of_directory = MemberDirectory::of(members.iter().map(entry)).to_bytes();
    let active = members.iter().filter(|member| member.status() == MemberStatus::Active);
    let persons: BTreeSet<_> = active.filter_map(|member| member.person).collect();
    let persons = persons.iter().flat_map(|person| person.uuid().into_bytes());
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    persons.chain(of_directory).fold(0xcbf2_9ce4_8422_2325, hash)
}

/// How members are marked among those who forward.
fn marks(members: &[Member]) -> BTreeMap<PersonId, StaffMark> {
    let mark = |member: &Member| {
        Some((member.person?, StaffMark { role: member.role.name().to_owned(), name: member.name.to_string() }))
    };
    members.iter().filter_map(mark).collect()
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
async fn rank(
    store: &Store,
    progress: Progress,
    members: Vec<Member>,
    now: Timestamp,
    aside: &mut PutAside,
) -> Result<(), Failure> {
    let (company, today) = (progress.company, Day::of(now));
    let first = Window::Last30Days.days(today).0.unwrap_or(today);
    let with_card: Vec<_> = members.into_iter().filter_map(|member| Some((member.card?, member))).collect();
    let (complete, mut contenders) = (with_card.len() <= CONTENDERS_MAX, Vec::new());
    for (card, member) in with_card.into_iter().take(CONTENDERS_MAX) {
        let Some(counts) = store.counters_of_contender(company, card, first, aside).await? else { continue };
        let windows = Window::ALL.map(|window| counts.metrics(window, today));
        let (name, department) = (member.name.to_string(), member.department);
        contenders.push(Contender { member: member.id, card, name, department, windows });
    }
    store.set_ranking(company, &Ranking { as_of: now, contenders, complete }).await
}
