//! Nothing that is stored grows without a bound: every kind of item in the register is filled to its
//! limit and over through the store's own functions, alone and all together, and what is written stays
//! below DynamoDB's limit. And whatever cannot be read stops no job.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::close_rate::model::{Model, Rate};
use domain::close_rate::rank_share::RankSpread;
use domain::close_rate::shortlist::{KEPT_MAX, RankKey, RankUpdate, Shortlist};
use domain::company::department::DepartmentPath;
use domain::crm::customer::{CARDS_MAX, SentBy};
use domain::crm::identities::Customer;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, DepartmentId, Id, MemberId, PersonId};
use domain::kernel::text::Line;
use domain::kernel::timestamp::{DAY_MS, SECOND_MS};
use domain::radar::aggregate::{Segment, plan, segments};
use domain::radar::breakdown::{Additions, BreakdownKind, SHARERS_MAX, THINGS_MAX};
use domain::radar::counter::{Counter, Counts, Period, Scope};
use domain::radar::metrics::Metrics;
use domain::radar::ranking::Contender;
use domain::radar::recount::RecountReport;
use domain::tracking::batch::AcceptedBatch;
use domain::tracking::event::{Event, EventKind, Object};
use store::{Commit, KEY_ATTRIBUTES, Progress, PutAside, Ranking, StoredShortlist};
use testkit::world::World;
use uuid::Uuid;

use crate::aggregator::{aggregator, batch, delivered};
use crate::bounds_of_company;
use crate::event_files::KeptDeadLetters;
use crate::functions::{housekeeping, no_stop};
use crate::leaderboards::breakdown;
use crate::login::another_company;
use crate::recount::asides;

/// DynamoDB's limit of an item.
const ITEM_MAX: usize = 409_600;

/// Kinds that grow with what people do, and are filled here.
const GROWING: [&str; 14] = [
    "breakdown",
    "counters",
    "customer",
    "departments",
    "feed_page",
    "live_message",
    "live_state",
    "pending_tally",
    "ranking",
    "recount",
    "segment",
    "sessions",
    "shortlist",
    "staff",
];

/// All others, and what bounds them.
const BOUNDED: [(&str, &str); 52] = [
    ("activation", "one member's state"),
    ("aside", "a key and 500 characters"),
    ("audit", "two values of one change"),
    ("boards", "three values"),
    ("budget", "two numbers"),
    ("card", "fields of bounded length, nine photos"),
    ("card_template", "fields of bounded length"),
    ("close_rate_model", "a coefficient for each feature, a curve and a report of ten bands"),
    ("app", "one id"),
    ("company", "fields of bounded length"),
    (
        "customer_record",
        "ten values a field, five of 20 custom ones, 1,000 follow-ups, 50 tags: domain::crm::record fills it",
    ),
    ("customer_row", "ten identities with 200 cards each: domain::crm::row fills it"),
    ("view_book", "30 views: domain::crm::view fills it"),
    ("list_block", "a ninetieth of the rows, 1,000 at least"),
    ("list_change", "a customer row"),
    ("list_counts", "five numbers"),
    ("list_head", "five numbers"),
    ("customer_rules", "20 rules with 20 tags each: 20 kilobytes"),
    ("recycle_warning", "two ids and two days"),
    ("holding", "three numbers"),
    ("member_directory", "7,900 entries of 49 bytes: domain::crm::member_directory fills it"),
    ("follow_up", "a text of 2,000 characters and twenty of before: 130 kilobytes"),
    ("follow_up_plan", "two ids and a moment"),
    ("tag_book", "200 tags of 24 characters, and 1,000 ids that are gone: 100 kilobytes"),
    ("erasure", "98 ids"),
    ("custom_field_book", "20 fields with 50 options of 20 characters: 90 kilobytes"),
    ("job", "fields of bounded length"),
    ("job_input", "1,000 customers and 100 tags, or the rows of a body of 256 kilobytes"),
    ("import_mark", "one id"),
    ("row_error", "one sentence of ours"),
    ("job_slots", "50 ids"),
    ("timeline_entry", "one change: seven fields, or a hundred tags"),
    ("request", "one answer to one request"),
    ("invitation", "one invitation"),
    ("invitation_code", "one invitation"),
    ("join_request", "one request"),
    ("live_mark", "one number"),
    ("union", "one id for each company that has made the person a member: 90 bytes"),
    ("claim", "one code"),
    ("member", "fields of bounded length"),
    ("merge", "one edge"),
    ("person", "one id"),
    ("phone", "one id"),
    ("profile", "fields of bounded length"),
    ("hold", "one number"),
    ("quota", "three numbers"),
    ("greeting", "fields of bounded length"),
    ("phrases", "a list of bounded length"),
    ("share", "one share"),
    ("standing", "one number"),
    ("upload", "one file"),
    ("voice", "one recording"),
];

/// The kinds of the register.
fn register() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let source = std::fs::read_to_string(root.join("shared/store/src/table/kinds.rs")).unwrap();
    let rows = source.split("kinds! {").nth(1).unwrap().split("\n}\n").next().unwrap().lines();
    let name = |row: &str| Some(row.split_once(" = \"")?.1.split_once('"')?.0.to_owned());
    rows.filter(|row| !row.trim_start().starts_with("//")).filter_map(name).collect()
}

fn size(value: &AttributeValue) -> usize {
    let text = value.as_s().or_else(|_| value.as_n()).map(String::len);
    let bytes = value.as_b().map(|bytes| bytes.as_ref().len());
    let map = value.as_m().map(|map| map.iter().map(|(name, value)| name.len() + size(value) + 1).sum());
    let list = value.as_l().map(|list| list.iter().map(|value| size(value) + 1).sum());
    text.or(bytes).or(map).or(list).unwrap_or(1)
}

/// The largest item of each kind.
async fn largest(world: &World) -> BTreeMap<String, usize> {
    let mut pages = world.dynamodb.scan().table_name(&world.table).into_paginator().items().send();
    let mut largest = BTreeMap::new();
    while let Some(item) = pages.next().await {
        let item = item.unwrap();
        let kind = item["type"].as_s().unwrap().clone();
        let bytes: usize = item.iter().map(|(name, value)| name.len() + size(value)).sum();
        let known: &mut usize = largest.entry(kind).or_default();
        *known = bytes.max(*known);
    }
    largest
}

pub(crate) fn id(n: usize) -> Uuid {
    Uuid::from_u128(u128::MAX - n as u128)
}

/// A segment of many events on `lin`'s card, more than any batch has.
fn segment(world: &World, by: u128, events: impl Iterator<Item = (EventKind, Object)>) -> Segment {
    let whole = batch(world, 0, u64::try_from(by).unwrap(), &[0]);
    let event = |(kind, object)| Event { kind, object, ..whole.events[0].clone() };
    let person = PersonId::from_uuid(id(usize::try_from(by).unwrap()));
    let batch = AcceptedBatch { person, events: events.map(event).collect(), ..whole.clone() };
    segments(batch).remove(0)
}

pub(crate) fn viewed(kind: BreakdownKind, n: usize) -> (EventKind, Object) {
    let event = match kind {
        BreakdownKind::Products => EventKind::ViewProduct,
        BreakdownKind::Articles => EventKind::ViewArticle,
        BreakdownKind::Videos | BreakdownKind::Sharers => EventKind::ViewVideo,
    };
    let title = Line::parse(&"\u{1f375}".repeat(60)).ok();
    (event, Object { target: kind.thing(id(n)).unwrap(), title })
}

/// More things and sharers than a day holds, as the first that is ever written, and again.
async fn fill_breakdowns(world: &World) {
    let today = Day::of(world.clock.now());
    let mut progress = Progress { company: world.company, page: None, staff: None, mixed: None };
    for round in 1..=2 {
        let page = Uuid::from_u128(round);
        let mut additions = Additions::default();
        for kind in [BreakdownKind::Products, BreakdownKind::Articles, BreakdownKind::Videos] {
            let views = (0..THINGS_MAX + 3_000).map(|n| viewed(kind, n));
            additions.add(page, &[segment(world, 1, views)]);
        }
        let forward = || {
            std::iter::once((EventKind::Forward, Object { target: domain::tracking::event::Target::Card, title: None }))
        };
        for n in 0..SHARERS_MAX + 1_000 {
            let known = segment(world, n as u128, forward());
            let unknown = Segment { anonymous: true, ..segment(world, 100_000 + n as u128, forward()) };
            additions.add(page, &[known, unknown]);
        }
        // The lists are another test.
        additions.people.clear();
        let mut aside = PutAside::default();
        progress = world.store.add_to_leaderboards(progress, page, additions, today, &mut aside).await.unwrap();
        assert!(aside.is_empty());
    }
    let products = breakdown(world, Scope::Company, BreakdownKind::Products).await;
    assert_eq!(products.counts().len(), THINGS_MAX);
    assert!(products.counts().missed() > 0, "it says that it is not exact");
}

async fn fill_ranking(world: &World) {
    let contender = |n: usize| Contender {
        member: MemberId::from_uuid(id(n)),
        card: CardId::from_uuid(id(n)),
        name: "\u{1f375}".repeat(30),
        department: Some(DepartmentId::from_uuid(id(n))),
        windows: [Metrics::from([i64::MAX; 9]); 4],
    };
    let contenders = (0..3_000).map(contender).collect();
    let ranking = Ranking { as_of: world.clock.now(), contenders, complete: true };
    world.store.set_ranking(world.company, &ranking).await.unwrap();
    let stored = world.store.ranking(world.company).await.unwrap().unwrap();
    assert!(stored.contenders.len() > 700 && !stored.complete, "it says that it is not whole");
}

async fn fill_shortlist(world: &World) {
    let place = |n: usize| RankKey::Set(Rate::from_percent(n as u64 % 101).unwrap());
    let mut list = Shortlist::new(Model::default(), []);
    list.update((0..10_000).map(|n| RankUpdate {
        person: PersonId::from_uuid(id(n)),
        others: BTreeSet::new(),
        place: Some(place(n)),
    }));
    list.prune(Day::of(world.clock.now()));
    assert_eq!(list.len(), KEPT_MAX);
    world
        .store
        .replace_shortlist(world.company, Scope::Company, &StoredShortlist::default().with(list, RankSpread::default()))
        .await
        .unwrap();
}

async fn fill_recount(world: &World) {
    let mut report = RecountReport::begun(world.clock.now(), true);
    let wrong = Counts::from([(Counter::Likes, 1 << 40), (Counter::Saves, 1)]);
    for n in 0..5_000 {
        let (scope, day) = (Scope::Card(CardId::from_uuid(id(n))), Day::from_number(20_000));
        report.compared(scope, Period::Day(day), &Counts::new(), &wrong);
    }
    world.store.end_recount(world.company, &report.ended(), world.clock.now()).await.unwrap();
}

/// A customer with days of their own on each card, so that no set of days is that of another. The
/// aggregator counts them as long as they fit.
async fn fill_customer(world: &World) {
    let (now, person, mut random) = (world.clock.now(), PersonId::from_uuid(id(7)), 1_u64);
    let whole = batch(world, 0, 1, &[0]);
    let mut known = BTreeMap::from([(person, Customer::default())]);
    for n in 0..CARDS_MAX {
        let card = CardId::from_uuid(id(n));
        let mut events = Vec::new();
        for days_ago in (0..1_000_i64).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let kinds = [EventKind::ViewCard, EventKind::OpenChat, EventKind::ViewProduct].into_iter().enumerate();
            let kinds = kinds.filter(|(bit, _)| random >> (40 + 2 * bit) & 3 > 0);
            let at = now.plus_millis(-days_ago * DAY_MS);
            events.extend(kinds.map(|(_, kind)| Event { kind, card, at, ..whole.events[0].clone() }));
        }
        let before = known.clone();
        let state = &mut known.get_mut(&person).unwrap().state;
        state.apply(SentBy::LoggedIn, &events, &DepartmentPath::default()).unwrap();
        let view = AcceptedBatch { person, events: vec![Event { card, ..whole.events[0].clone() }], ..whole.clone() };
        let segment = segments(view).remove(0);
        if plan(&[&segment], &known).segments.is_empty() {
            // One card less fits, and is written.
            let card = *before[&person].state.cards.keys().next().unwrap();
            let view = AcceptedBatch { person, events: vec![Event { card, ..whole.events[0].clone() }], ..whole };
            let (segment, page) = (segments(view).remove(0), Uuid::from_u128(1));
            let plan = plan(&[&segment], &before);
            assert_eq!(plan.refused, []);
            let commit = Commit { segments: &[&segment], plan: &plan, page, now };
            world.store.commit_segments(world.company, commit).await.unwrap();
            return;
        }
    }
    unreachable!("the largest is refused");
}

/// The longest batch, and the most segments of one transaction.
async fn fill_segments(world: &World) {
    let longest = |n: u64| {
        let whole = batch(world, u128::from(n), 1_000 + n, &[0]);
        let event = |(kind, object)| Event { kind, object, ..whole.events[0].clone() };
        let things = (0..100).map(|thing| viewed(BreakdownKind::Products, usize::try_from(n).unwrap() * 100 + thing));
        AcceptedBatch { events: things.map(event).collect(), ..whole.clone() }
    };
    let batches: Vec<_> = (0..60).map(longest).collect();
    let event = delivered(&batches.iter().collect::<Vec<_>>(), 1);
    let aggregator = aggregator(world, KeptDeadLetters::default());
    while !radar_aggregator::handle(&aggregator, event.clone(), "r").await.batch_item_failures.is_empty() {}
}

#[test]
fn each_kind_of_the_register_is_filled_here_or_has_a_bound_of_its_own() {
    let named = GROWING.into_iter().chain(BOUNDED.iter().map(|(kind, _)| *kind));
    assert_eq!(named.map(str::to_owned).collect::<BTreeSet<_>>(), register());
}

async fn fill(world: &World, kind: &str) {
    match kind {
        "breakdown" => fill_breakdowns(world).await,
        "ranking" => fill_ranking(world).await,
        "shortlist" => fill_shortlist(world).await,
        "recount" => fill_recount(world).await,
        "customer" => fill_customer(world).await,
        "segment" | "feed_page" | "counters" => fill_segments(world).await,
        other => bounds_of_company::fill(world, other).await,
    }
}

#[tokio::test]
async fn every_item_that_grows_stays_below_the_limit_alone_and_with_all_others() {
    let together = World::new().await;
    for kind in GROWING {
        let alone = World::new().await;
        fill(&alone, kind).await;
        let bytes = largest(&alone).await[kind];
        assert!(bytes < ITEM_MAX - 4_096, "{kind}: {bytes} bytes");
        if kind != "feed_page" && kind != "counters" {
            fill(&together, kind).await;
        }
    }
    let all = largest(&together).await;
    assert!(all.values().all(|bytes| *bytes < ITEM_MAX - 4_096), "{all:?}");
    together.clock.advance(300 * SECOND_MS);
    let run = housekeeping(&together, 60).await.run(no_stop(), "r").await.unwrap();
    assert_eq!((run.leaderboards, run.failed_items), (1, 0));
}

/// Every kind of item that the leaderboards read, alone and all together in a layout that nobody knows:
/// in the same run everything else is done, for this company and the others.
#[tokio::test]
async fn no_item_that_cannot_be_read_stops_the_leaderboards() {
    let kinds = ["feed_page", "segment", "breakdown", "shortlist", "customer", "member", "counters", "staff"];
    let each = kinds.iter().map(|kind| vec![*kind]);
    for poisoned in each.chain([kinds.to_vec()]) {
        let world = World::new().await;
        let housekeeping = housekeeping(&world, 60).await;
        let visit = async |number: u64| {
            for n in 0..6_u64 {
                let batch = batch(&world, u128::from(n), number + n, &[0]);
                let aggregator = aggregator(&world, KeptDeadLetters::default());
                let event = || delivered(&[&batch], 1);
                // Those whose own state is poison are left to the queue.
                radar_aggregator::handle(&aggregator, event(), "r").await;
                // The pages have an order.
                world.clock.advance(1);
            }
        };
        visit(0).await;
        world.clock.advance(300 * SECOND_MS);
        housekeeping.run(no_stop(), "r").await.unwrap();
        let before = world.store.ranking(world.company).await.unwrap().unwrap().as_of;
        visit(100).await;
        let (other, _) = another_company(&world).await;
        if poisoned.contains(&"staff") {
            // Somebody leaves: the note is needed.
            let read = world.store.member(world.company, world.staff["wang"].member).await.unwrap();
            let change = store::MemberChange { read: &read, audit: &world.entry() };
            let (ended, seat) = (domain::people::member::Ended::Left, domain::people::member::SeatChange::GiveBack);
            world.store.set_member_ended(world.company, change, Some(ended), seat).await.unwrap();
        }
        for kind in &poisoned {
            let lin = world.card("lin").to_string();
            let ending = match *kind {
                "feed_page" | "staff" => String::new(),
                "segment" => batch(&world, 3, 0, &[0]).person.to_string(),
                "breakdown" | "shortlist" | "counters" => lin,
                "customer" => ["CUSTOMER", &batch(&world, 4, 0, &[0]).person.to_string()].join("#"),
                "member" => world.staff["chen"].member.to_string(),
                other => unreachable!("{other}"),
            };
            set_layout_of_last(&world, kind, &ending).await;
        }
        world.clock.advance(300 * SECOND_MS);
        let run = housekeeping.run(no_stop(), "r").await;
        assert!(matches!(run, Err(Failure::Corrupt(_))), "{poisoned:?}: the alarm: {run:?}");
        let marks = asides(&world).await;
        for kind in &poisoned {
            assert!(
                marks.iter().any(|reason| reason.contains(&format!("{kind}:"))),
                "{kind} of {poisoned:?}: {marks:?}"
            );
        }
        let after = world.store.ranking(world.company).await.unwrap().unwrap().as_of;
        assert!(before < after && world.store.ranking(other).await.unwrap().is_some(), "{poisoned:?}");
        // The page behind all others is in the leaderboards.
        let sharers = breakdown(&world, Scope::Company, BreakdownKind::Sharers).await;
        assert!(sharers.counts().sum() > 6, "{poisoned:?}: {}", sharers.counts().sum());
    }
}

/// Sets the layout of the last item of a kind with this end of a key to one that nobody knows.
async fn set_layout_of_last(world: &World, kind: &str, ending: &str) {
    let ending = match kind {
        "breakdown" => [ending, "SHARERS"].join("#"),
        "shortlist" | "counters" => format!("#{ending}"),
        _ => ending.to_owned(),
    };
    let items = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    let key = |item: &HashMap<String, AttributeValue>| KEY_ATTRIBUTES.map(|name| item[name].as_s().unwrap().clone());
    let is_wanted = |item: &HashMap<String, AttributeValue>| {
        item["type"].as_s().unwrap() == kind && key(item).iter().any(|part| part.ends_with(&ending))
    };
    let mut item = items.into_iter().filter(is_wanted).max_by_key(key).unwrap();
    item.insert("layout".to_owned(), AttributeValue::N("99".to_owned()));
    world.dynamodb.put_item().table_name(&world.table).set_item(Some(item)).send().await.unwrap();
}
