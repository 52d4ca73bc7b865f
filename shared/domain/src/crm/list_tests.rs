use proptest::prelude::*;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::close_rate::model::{Band, Model};
use crate::company::book::CompanyBook;
use crate::crm::list_kind::CustomerListKind;
use crate::crm::row::tests::{id, plain, rows};
use crate::crm::tag::TagBook;
use crate::crm::viewer::Viewer;
use crate::kernel::id::TagId;
use crate::kernel::id::{CardId, Id, MemberId};
use crate::kernel::list::UniqueList;
use crate::kernel::text::Line;
use crate::kernel::timestamp::Timestamp;
use crate::radar::counter::Scope;

fn admin() -> Viewer {
    Viewer { member: id::<MemberId>(9), card: None, admin: true }
}

fn staff(card: u128) -> Viewer {
    Viewer { member: id(card), card: Some(id(card)), admin: false }
}

fn today() -> Day {
    Day::from_number(20_710)
}

/// Of six tags the first stands for the second by now, and the last is gone.
fn book() -> TagBook {
    let tag = |n: u128| crate::crm::tag::CustomerTag {
        name: Line::parse(&format!("标{n}")).unwrap(),
        group: Line::parse("组").unwrap(),
    };
    let book = (0..6).fold(TagBook::default(), |book, n| book.add(id(n), tag(n)).unwrap());
    book.remove(id(0), Some(id(1))).unwrap().remove(id(5), None).unwrap()
}

fn ranges() -> impl Strategy<Value = (Option<Day>, Option<Day>)> {
    let day = || prop::option::weighted(0.3, (20_700_i32..20_840).prop_map(Day::from_number));
    (day(), day())
}

fn some_tags() -> impl Strategy<Value = crate::crm::list_filter::FilterTags> {
    let tags = prop::collection::btree_set(0_u128..6, 0..=2);
    tags.prop_map(|all| UniqueList::parse(all.into_iter().map(id).collect()).unwrap())
}

fn filters() -> impl Strategy<Value = CustomerFilter> {
    let kind = prop::option::weighted(0.3, prop::sample::select(CustomerListKind::ALL.to_vec()));
    let source = prop::option::weighted(0.2, prop::sample::select(crate::crm::addition::CustomerSource::ALL.to_vec()));
    let place = (
        prop::option::weighted(0.2, 0_u128..4),
        prop::option::weighted(0.2, 0_u128..6),
        prop::option::weighted(0.2, 0_u128..4),
        source,
    );
    let band = prop::option::weighted(0.2, prop::sample::select(Band::ALL.to_vec()));
    let tags = prop_oneof![2 => Just(Default::default()), 1 => (some_tags(), some_tags(), some_tags())];
    let q = prop::option::weighted(0.2, prop::sample::select(vec!["王", "w", "xiao", "1380", "A"]));
    (kind, place, band, tags, [ranges(), ranges(), ranges(), ranges()], q).prop_map(
        |(kind, (card, department, owner, source), band, (tags_any, tags_all, tags_none), ranges, q)| {
            let [expected, last_visit, last_follow_up, next_follow_up] = ranges;
            CustomerFilter {
                kind,
                owner_id: owner.map(id),
                source,
                card_id: card.map(id),
                department_id: department.map(id),
                band,
                tags_any,
                tags_all,
                tags_none,
                expected_from: expected.0,
                expected_to: expected.1,
                last_visit_from: last_visit.0,
                last_visit_to: last_visit.1,
                last_follow_up_from: last_follow_up.0,
                last_follow_up_to: last_follow_up.1,
                next_follow_up_from: next_follow_up.0,
                next_follow_up_to: next_follow_up.1,
                q: q.map(|q| Line::parse(q).unwrap()),
            }
        },
    )
}

/// Whether a row passes, said as plainly as can be.
fn passes(row: &CustomerRow, filter: &CustomerFilter, model: &Model) -> bool {
    let scope = filter.card_id.map_or(Scope::Company, Scope::Card);
    let in_card = |card: &CardId| row.cards.iter().any(|of| of.card == *card);
    let is_closed = match filter.card_id {
        Some(card) => row.cards.iter().any(|of| of.card == card && of.rank.is_none()),
        None => row.rank.is_none(),
    };
    let of_kind = filter.kind.is_none_or(|kind| match kind {
        CustomerListKind::All => true,
        CustomerListKind::Exclusive => row.cards.len() == 1,
        CustomerListKind::Shared => row.cards.len() > 1,
        CustomerListKind::Closed => is_closed,
        CustomerListKind::Unowned => row.owner.is_none(),
    });
    let within = |at: Option<Day>, from: Option<Day>, to: Option<Day>| match at {
        None => from.is_none() && to.is_none(),
        Some(at) => from.unwrap_or(at) <= at && at <= to.unwrap_or(at),
    };
    let day = |at: Option<Timestamp>| at.map(Day::of);
    let now = |tag: &TagId| match tag.uuid().as_u128() {
        0 => Some(1),
        n @ 1..5 => Some(n),
        _ => None,
    };
    let has: BTreeSet<u128> = row.tags.iter().filter_map(now).collect();
    let any = filter.tags_any.as_slice();
    of_kind
        && filter.card_id.as_ref().is_none_or(in_card)
        && filter.owner_id.is_none_or(|member| row.owner.and_then(|owner| owner.member) == Some(member))
        && filter.source.is_none_or(|source| row.source == source)
        && filter.department_id.is_none_or(|department| row.departments.contains(&department))
        && filter.band.is_none_or(|band| row.band_in(scope, model, today()) == Some(band))
        && within(row.expected_on, filter.expected_from, filter.expected_to)
        && within(day(row.last_visit), filter.last_visit_from, filter.last_visit_to)
        && within(day(row.last_follow_up), filter.last_follow_up_from, filter.last_follow_up_to)
        && within(day(row.next_follow_up.map(|plan| plan.at)), filter.next_follow_up_from, filter.next_follow_up_to)
        && (any.is_empty() || any.iter().filter_map(now).any(|tag| has.contains(&tag)))
        && filter.tags_all.as_slice().iter().all(|tag| now(tag).is_some_and(|tag| has.contains(&tag)))
        && !filter.tags_none.as_slice().iter().filter_map(now).any(|tag| has.contains(&tag))
        && filter.q.as_ref().is_none_or(|q| NameSearch::new(q.as_str()).finds(row, true))
}

/// The value that a list is sorted by, as an admin reads it.
fn value(row: &CustomerRow, sort: CustomerSort, model: &Model) -> Option<(i64, String)> {
    let number = match sort {
        CustomerSort::Added => return None,
        CustomerSort::Rate => Some(row.rate(model, today()).0.basis_points().into()),
        CustomerSort::ExpectedClose => row.expected_on.map(|day| day.number().into()),
        CustomerSort::Amount => row.amount.map(|fen| fen.0),
        CustomerSort::LastVisit => row.last_visit.map(Timestamp::millis),
        CustomerSort::LastFollowUp => row.last_follow_up.map(Timestamp::millis),
        CustomerSort::NextFollowUp => row.next_follow_up.map(|plan| plan.at.millis()),
        CustomerSort::Name => return (!row.name.is_empty()).then(|| (0, pinyin_of(&row.name))),
    };
    number.map(|number| (number, String::new()))
}

/// The whole list.
fn naive(rows: &[CustomerRow], query: &ListQuery, viewer: Viewer, model: &Model) -> Vec<PersonId> {
    let sees = |row: &&CustomerRow| {
        let owns = row.owner.is_none_or(|owner| match owner.member {
            Some(member) => member == viewer.member,
            None => owner.card.is_some() && owner.card == viewer.card,
        });
        let helps = row.collaborators.iter().any(|(member, _)| *member == viewer.member);
        viewer.admin || owns || helps || row.cards.iter().any(|of| Some(of.card) == viewer.card)
    };
    let mut found: Vec<_> = rows.iter().filter(sees).filter(|row| passes(row, &query.filter, model)).collect();
    found.sort_by_key(|row| Reverse(row.person));
    let ascending = query.order == SortOrder::Ascending;
    if query.sort == CustomerSort::Added && ascending {
        found.reverse();
    }
    let (mut with, without): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|row| value(row, query.sort, model).is_some());
    with.sort_by(|a, b| {
        let (a, b) = (value(a, query.sort, model), value(b, query.sort, model));
        if ascending { a.cmp(&b) } else { b.cmp(&a) }
    });
    with.into_iter().chain(without).map(|row| row.person).collect()
}

fn queries() -> impl Strategy<Value = ListQuery> {
    let sort = prop::sample::select(CustomerSort::ALL.to_vec());
    let order = prop::sample::select(SortOrder::ALL.to_vec());
    (filters(), sort, order).prop_map(|(filter, sort, order)| ListQuery { filter, sort, order })
}

proptest! {
    #[test]
    fn walked_page_by_page_it_is_the_list(
        rows in prop::collection::vec(rows(), 0..30), query in queries(), viewer in prop_oneof![Just(admin()), (0_u128..4).prop_map(staff)],
        limit in 1_usize..7,
    ) {
        let rows: Vec<_> = rows.into_iter().map(|row| (row.person, row)).collect::<BTreeMap<_, _>>().into_values().collect();
        let (model, book) = (Model::default(), book());
        let context = ListContext { viewer, model: &model, tags: &book, today: today(), contacts_hidden: false };
        let expected = naive(&rows, &query, viewer, &model);
        let everybody = naive(&rows, &ListQuery { filter: CustomerFilter::default(), ..query.clone() }, viewer, &model);
        let (mut walked, mut after) = (Vec::new(), None::<ListPosition>);
        loop {
            let page = query.page(rows.clone(), context, after.as_ref(), limit);
            prop_assert_eq!(page.total, expected.len() as u64);
            prop_assert_eq!(query.count(&rows, context), expected.len());
            prop_assert_eq!(page.counts.0.get(&CustomerListKind::All).copied().unwrap_or(0), everybody.len() as u64);
            prop_assert!(page.rows.len() <= limit);
            walked.extend(page.rows.iter().map(|row| row.person));
            let Some(next) = page.next else { break };
            // As it comes back in a cursor.
            prop_assert_eq!(next.to_string().parse::<ListPosition>(), Ok(next.clone()));
            after = Some(next);
        }
        prop_assert_eq!(walked, expected);
    }

    #[test]
    fn counts_are_the_lengths_of_the_lists(rows in prop::collection::vec(rows(), 0..20), viewer in prop_oneof![Just(admin()), (0_u128..4).prop_map(staff)]) {
        let (model, book) = (Model::default(), book());
        let context = ListContext { viewer, model: &model, tags: &book, today: today(), contacts_hidden: false };
        let of = |kind| CustomerFilter { kind: Some(kind), ..CustomerFilter::default() };
        for kind in CustomerListKind::ALL {
            let query = ListQuery { filter: of(*kind), sort: CustomerSort::Added, order: SortOrder::Descending };
            let page = query.page(rows.clone(), context, None, 100);
            prop_assert_eq!(page.counts.0.get(kind).copied().unwrap_or(0), page.total);
        }
    }
}

#[test]
fn a_filter_is_stored_as_it_is_and_ranges_end_after_they_begin() {
    let filter =
        CustomerFilter { band: Some(Band::Below80), expected_from: Some(today()), ..CustomerFilter::default() };
    let stored = serde_json::to_string(&filter).unwrap();
    assert_eq!(stored, r#"{"band":"below_80","expected_from":"2026-09-14"}"#);
    assert_eq!(serde_json::from_str::<CustomerFilter>(&stored).unwrap(), filter);
    assert!(filter.clone().check().is_ok() && !filter.is_open() && CustomerFilter::default().is_open());
    let backwards = CustomerFilter { expected_to: Some(today().plus(-1)), ..filter };
    assert_eq!(backwards.check().unwrap_err().code, "out_of_order");
}

#[test]
fn positions_of_other_lists_are_no_positions() {
    for text in ["", "2026-09-14", "2026-09-14 crd_1", "x y", "2026-09-14 per_1 n1"] {
        assert_eq!(text.parse::<ListPosition>(), Err(()), "{text}");
    }
    let person = plain(7).person;
    assert!(format!("2026-09-14 {person}").parse::<ListPosition>().is_ok());
    assert!(format!("2026-09-14 {person} nx").parse::<ListPosition>().is_err());
}
