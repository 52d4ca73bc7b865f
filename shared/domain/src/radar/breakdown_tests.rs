use proptest::prelude::*;

use super::*;
use crate::kernel::id::CardId;
use crate::kernel::text::Line;
use crate::kernel::timestamp::{DAY_MS, Timestamp};
use crate::radar::aggregate::SegmentKey;
use crate::tracking::batch::BatchId;
use crate::tracking::event::Object;
use crate::tracking::filter_reason::FilterReason;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn product(n: u128) -> Target {
    Target::Product(ProductId::from_uuid(id(n)))
}

fn person(n: u128) -> PersonId {
    PersonId::from_uuid(id(n))
}

fn today() -> Day {
    Day::of(Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap())
}

fn segment(by: u128, events: &[(EventKind, Target, &str, i64, Option<FilterReason>)]) -> Segment {
    let (card, zero) = (CardId::from_uuid(id(1)), Uuid::nil());
    let now = Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap();
    let event = |(kind, target, title, days_ago, filtered): &(EventKind, Target, &str, i64, _)| Event {
        kind: *kind,
        card,
        object: Object { target: *target, title: Line::parse(title).ok() },
        share_code: None,
        at: now.plus_millis(-days_ago * DAY_MS),
        duration_ms: None,
        filtered: *filtered,
    };
    let key = SegmentKey { card, batch: BatchId::from_uuid(zero), person: person(by) };
    let events = events.iter().map(event).collect();
    let departments = crate::company::department::DepartmentPath::default();
    Segment { key, fingerprint: String::new(), received_at: now, anonymous: false, rules: 1, departments, events }
}

fn additions(pages: &[&[Segment]]) -> Additions {
    let mut additions = Additions::default();
    for (n, page) in (1..).zip(pages) {
        additions.add(id(n), page);
    }
    additions
}

/// All pages of a place together.
fn whole(additions: &Additions, place: BreakdownPlace) -> Breakdown {
    let mut sum = Breakdown::default();
    let pages = additions.breakdowns.get(&place).into_iter().flatten();
    pages.for_each(|(_, breakdown)| sum.add_page(place.1, breakdown));
    sum
}

fn exactly(count: u64) -> Bounds {
    Bounds { at_least: count, at_most: count }
}

#[test]
fn views_of_things_and_forwards_are_broken_down_by_day_for_card_and_company() {
    use EventKind::{Forward, ViewCard, ViewProduct};
    let bot = Some(FilterReason::Bot);
    let added = additions(&[
        &[segment(7, &[(ViewProduct, product(1), "旧名", 0, None), (ViewCard, Target::Card, "", 0, None)])],
        &[
            segment(8, &[(ViewProduct, product(1), "新名", 0, None), (Forward, Target::Card, "", 1, None)]),
            segment(8, &[(ViewProduct, product(2), "x", 0, bot), (Forward, Target::Card, "", 0, bot)]),
        ],
    ]);
    assert_eq!(added.breakdowns.len(), 4, "products of today and sharers of yesterday, of two scopes");
    assert_eq!(added.people.values().map(BTreeSet::len).collect::<Vec<_>>(), [2, 2]);
    let products = whole(&added, (Scope::Company, BreakdownKind::Products, today()));
    assert_eq!(products.top_things(10), [TopThing { id: id(1), views: exactly(2), title: Some("旧名") }]);
    assert_eq!(added.breakdowns[&(Scope::Company, BreakdownKind::Products, today())].len(), 2, "by page");
    let sharers = whole(&added, (Scope::Company, BreakdownKind::Sharers, today().plus(-1)));
    assert_eq!(sharers.top_sharers(10), [(person(8), exactly(1))]);
}

/// The title of thing 1 after days, each with what visitors said of it in turn.
fn title_after(days: &[&[(&str, bool)]]) -> Option<String> {
    let mut sum = Breakdown::default();
    for said in days {
        let view = |(title, anonymous): &(&str, bool)| {
            let event = [(EventKind::ViewProduct, product(1), *title, 0, None)];
            Segment { anonymous: *anonymous, ..segment(7, &event) }
        };
        let pages: Vec<_> = said.iter().map(|said| [view(said)]).collect();
        let added = additions(&pages.iter().map(|page| &page[..]).collect::<Vec<_>>());
        let day = whole(&added, (Scope::Company, BreakdownKind::Products, today()));
        let mut bytes = Vec::new();
        day.pack(&mut bytes);
        sum.add_day(BreakdownKind::Products, &Breakdown::unpack(&mut bytes.as_slice()).unwrap());
    }
    sum.top_things(1)[0].title.map(str::to_owned)
}

#[test]
fn no_visitor_turns_the_title_of_a_thing() {
    let (honest, other, unknown): (&[_], &[_], &[_]) =
        (&[("茶壶", false)], &[("假货", false)], &[("假货", true), ("假货", true)]);
    assert_eq!(title_after(&[&[("茶壶", false), ("假货", false), ("假货", false)]]).as_deref(), Some("茶壶"));
    assert_eq!(title_after(&[unknown]), None, "who has not logged in says no title");
    assert_eq!(title_after(&[&[("假货", true), ("茶壶", false)]]).as_deref(), Some("茶壶"));
    // Who is the first on some of the days, early or late, is one of many.
    assert_eq!(title_after(&[honest, honest, honest, other, other]).as_deref(), Some("茶壶"));
    assert_eq!(title_after(&[other, other, honest, honest, honest]).as_deref(), Some("茶壶"));
    assert_eq!(title_after(&[other, honest, other, honest, honest]).as_deref(), Some("茶壶"));
    // A thing that has another name since then.
    assert_eq!(title_after(&[honest, other, other]).as_deref(), Some("假货"));
    assert_eq!(title_after(&[honest, other]).as_deref(), Some("假货"), "of as many the later one");
}

#[test]
fn the_mark_of_a_member_is_the_last_one() {
    let forward = segment(3, &[(EventKind::Forward, Target::Card, "", 0, None)]);
    let marked = |role: &str| {
        let mut added = additions(&[std::slice::from_ref(&forward)]);
        let mark = StaffMark { role: role.to_owned(), name: "林晓".to_owned() };
        added.mark_staff(&BTreeMap::from([(person(3), mark)]));
        whole(&added, (Scope::Company, BreakdownKind::Sharers, today()))
    };
    let role = |sum: &Breakdown| sum.staff(person(3)).unwrap().role;
    let (mut same_day, mut days) = (marked("staff"), marked("staff"));
    same_day.add_page(BreakdownKind::Sharers, &marked("admin"));
    days.add_day(BreakdownKind::Sharers, &marked("admin"));
    assert_eq!((role(&same_day), role(&days)), ("admin".to_owned(), "admin".to_owned()));
}

#[test]
fn who_had_not_logged_in_is_listed_once_they_have() {
    let forwards = |n, events| segment(n, &vec![(EventKind::Forward, Target::Card, "", 0, None); events]);
    let anonymous = Segment { anonymous: true, ..forwards(9, 5) };
    let added = additions(&[&[anonymous, forwards(3, 2)]]);
    let mut company = whole(&added, (Scope::Company, BreakdownKind::Sharers, today()));
    assert_eq!(company.top_sharers(10), [(person(3), exactly(2))]);
    assert_eq!(company.top_anonymous(10), [person(9)]);
    company.has_logged_in(person(9));
    assert_eq!(company.top_sharers(10), [(person(9), exactly(5)), (person(3), exactly(2))]);
    assert!(company.top_anonymous(10).is_empty());
}

#[test]
fn the_greatest_breakdowns_fit_into_their_items() {
    // Every number takes three bytes; every title is as long as it can be.
    let (mut things, mut sharers) = (Breakdown::default(), Breakdown::default());
    for n in 0..20_000 {
        things.add_views(Uuid::from_u128(u128::MAX - n), 2_000_000, Some("\u{1f375}".repeat(60)));
        sharers.add_forwards(person(n), 2_000_000, false);
        sharers.add_forwards(person(n), 2_000_000, true);
    }
    for (mut breakdown, kind) in [(things, BreakdownKind::Products), (sharers, BreakdownKind::Sharers)] {
        breakdown.cut(kind);
        assert_eq!(breakdown.counts.len(), kind.keys_max());
        // One more, so that something is missed.
        breakdown.add_views(Uuid::nil(), 3_000_000, None);
        breakdown.cut(kind);
        let mut bytes = Vec::new();
        breakdown.pack(&mut bytes);
        assert!(bytes.len() < 398_000, "{kind:?}: {} bytes", bytes.len());
        assert!(Breakdown::unpack(&mut bytes.as_slice()) == Some(breakdown), "{kind:?}");
    }
}

#[test]
fn titles_of_the_most_viewed_are_kept() {
    let mut products = Breakdown::default();
    for n in 0..1_000 {
        let views = if n == 700 { 9 } else { 1 };
        products.add_views(id(n), views, Some("茶".repeat(60)));
    }
    products.cut(BreakdownKind::Products);
    let titled = products.top_things(1_000).iter().filter(|thing| thing.title.is_some()).count();
    assert_eq!(titled, TITLES_BYTES_MAX / 180);
    assert_eq!(products.top_things(1)[0].title.map(str::len), Some(180));
}

proptest! {
    #[test]
    fn a_breakdown_reads_back(
        views in prop::collection::vec((0u128..30, 1u64..300, prop::option::of("\\PC{0,20}")), 0..40),
        forwards in prop::collection::vec((0u128..9, 1u64..300), 0..9),
    ) {
        let mut breakdown = Breakdown::default();
        for (thing, views, title) in views {
            breakdown.add_views(id(thing), views, title);
        }
        for (n, forwards) in forwards {
            breakdown.add_forwards(person(n), forwards, true);
        }
        breakdown.counts.cut(20);
        breakdown.cut(BreakdownKind::Products);
        let mut bytes = Vec::new();
        breakdown.pack(&mut bytes);
        let mut rest = bytes.as_slice();
        prop_assert_eq!(Breakdown::unpack(&mut rest), Some(breakdown));
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        let _ = Breakdown::unpack(&mut bytes.as_slice());
    }

    #[test]
    fn shares_add_up_and_are_never_off_by_a_point(parts in prop::collection::vec(0i64..1_000_000, 1..9)) {
        let (shares, whole) = (basis_points(&parts), parts.iter().sum::<i64>());
        prop_assert_eq!(shares.iter().sum::<i64>(), if whole == 0 { 0 } else { 10_000 });
        for (part, share) in parts.iter().zip(&shares) {
            prop_assert!((share * whole - part * 10_000).abs() < whole.max(1));
        }
    }
}

/// The bytes of a day with so many things, each viewed a few times, with titles of fifteen characters.
fn bytes_of(things: u128) -> usize {
    let mut products = Breakdown::default();
    for n in 0..things {
        let views = u64::try_from(n % 9 + 1).unwrap();
        products.add_views(
            Uuid::from_u128(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)),
            views,
            Some("云岭古树普洱茶饼三年陈藏礼盒".to_owned()),
        );
    }
    products.cut(BreakdownKind::Products);
    let mut bytes = Vec::new();
    products.pack(&mut bytes);
    bytes.len()
}

#[test]
fn a_day_is_as_large_as_the_decision_says() {
    // ADR 0027, and its read and write units, are made of these.
    assert_eq!([500, 5_000, 16_384].map(bytes_of), [30_507, 110_747, 304_276]);
}

#[test]
fn identities_of_a_person_are_one_sharer_and_those_of_a_member_none() {
    let mut sharers = Breakdown::default();
    for n in 1..=5 {
        sharers.add_forwards(person(n), u64::try_from(n).unwrap(), false);
    }
    sharers.unite_sharer(&BTreeSet::from([person(1), person(4), person(9)]), false);
    sharers.unite_sharer(&BTreeSet::from([person(2), person(3)]), true);
    sharers.unite_sharer(&BTreeSet::from([person(8)]), false);
    let left: Vec<_> = sharers.top_sharers(9).into_iter().map(|(who, forwards)| (who, forwards.at_least)).collect();
    assert_eq!(left, [(person(1), 5), (person(5), 5)]);
}
