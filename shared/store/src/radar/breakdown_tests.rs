use domain::kernel::id::{CardId, CompanyId, Id, ProductId};
use serde_json::json;

use super::*;
use crate::table::item::Kind;

fn company() -> Company {
    Company::granted(CompanyId::from_uuid(Uuid::nil()))
}

fn key() -> Key {
    keys::breakdown(company(), (Scope::Company, BreakdownKind::Products, Day::from_number(20_000)))
}

fn views(thing: u128, views: u64) -> Breakdown {
    let mut breakdown = Breakdown::default();
    breakdown.add_views(Uuid::from_u128(thing), views, Some("普洱".to_owned()));
    breakdown
}

fn page(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

#[test]
fn a_breakdown_reads_back_with_its_page() {
    let stored = StoredBreakdown { page: Some(page(7)), breakdown: views(1, 3) };
    let read = decode(&encode(&key(), &stored)).unwrap();
    assert_eq!((read.page, read.breakdown), (stored.page, stored.breakdown));
}

#[test]
fn no_page_is_added_twice() {
    let pages = [(page(1), views(1, 1)), (page(2), views(1, 10)), (page(4), views(1, 100))];
    let added = |before: Option<u128>| {
        let before = StoredBreakdown { page: before.map(page), breakdown: Breakdown::default() };
        let after = with_pages(before, BreakdownKind::Products, &pages)?;
        Some((after.page, after.breakdown.counts().sum()))
    };
    assert_eq!(added(None), Some((Some(page(4)), 111)));
    assert_eq!(added(Some(1)), Some((Some(page(4)), 110)));
    assert_eq!(added(Some(3)), Some((Some(page(4)), 100)));
    assert_eq!(added(Some(4)), None, "nothing to write");
    assert_eq!(added(Some(9)), None);
}

#[test]
fn an_item_of_layout_1_is_split_by_kind() {
    let [product, video] =
        [Target::Product(ProductId::from_uuid(page(5))), BreakdownKind::Videos.thing(page(6)).unwrap()];
    let (known, anonymous) = (PersonId::from_uuid(page(7)), PersonId::from_uuid(page(8)));
    let old = MixedItem {
        things: json!([[product, 3, "旧名"], [video, 4, null]]).to_string(),
        sharers: json!({ known.to_string(): 2 }).to_string(),
        anonymous: Some(json!({ anonymous.to_string(): 9 }).to_string()),
    };
    let scope = Scope::Card(CardId::from_uuid(Uuid::nil()));
    let key = Key { pk: keys::mixed_breakdowns(company(), scope), sk: self::key().sk };
    let kinds = decode_mixed(Kind { layout: 1, ..BREAKDOWN }.encode(&key, &old).unwrap()).unwrap();
    assert_eq!(
        kinds.keys().copied().collect::<Vec<_>>(),
        [BreakdownKind::Products, BreakdownKind::Videos, BreakdownKind::Sharers]
    );
    assert_eq!(kinds[&BreakdownKind::Products].top_things(9)[0].title, Some("旧名"));
    assert_eq!(kinds[&BreakdownKind::Videos].counts().sum(), 4);
    assert_eq!(kinds[&BreakdownKind::Sharers].top_sharers(9).len(), 1);
    assert_eq!(kinds[&BreakdownKind::Sharers].top_anonymous(9), [anonymous]);
}

#[test]
fn what_cannot_be_read_is_corrupt() {
    let good = encode(&key(), &StoredBreakdown { page: Some(page(7)), breakdown: views(1, 3) });
    for (name, value) in [
        (COUNTS, AttributeValue::B(Blob::new([1]))),
        (COUNTS, text("x")),
        (PAGE, text("no page")),
        ("layout", AttributeValue::N("99".to_owned())),
    ] {
        let broken = good.clone().into_iter().chain([(name.to_owned(), value)]).collect();
        assert!(matches!(decode(&broken), Err(Failure::Corrupt(_))), "{name}");
    }
    assert!(matches!(decode_mixed(good), Err(Failure::Corrupt(_))), "one kind is not all of them");
}
