use proptest::prelude::*;
use uuid::Uuid;

use super::packed::{pack_rows, unpack_rows};
use super::*;
use crate::kernel::id::Id;

/// A customer of whom nothing but the first card is known.
pub(in crate::crm) fn plain(n: u128) -> CustomerRow {
    CustomerRow {
        person: id(n),
        cards: vec![RowCard { card: id(1), rank: Some(rank(5)) }],
        departments: Vec::new(),
        rank: Some(rank(5)),
        deals: 0,
        name: String::new(),
        company: String::new(),
        mobile: String::new(),
        source: CustomerSource::Visit,
        owner: Some(CustomerOwner { member: None, card: Some(id(1)) }),
        former_owner: None,
        collaborators: Vec::new(),
        tags: Vec::new(),
        expected_on: None,
        amount: None,
        last_visit: None,
        last_follow_up: None,
        next_follow_up: None,
    }
}

pub(in crate::crm) fn id<T: Id>(n: u128) -> T {
    T::from_uuid(Uuid::from_u128(n))
}

pub(in crate::crm) fn rank(n: i64) -> RankKey {
    RankKey::from_number(n).unwrap()
}

fn ids<T: Id + Ord + std::fmt::Debug>(most: usize) -> impl Strategy<Value = Vec<T>> {
    prop::collection::btree_set(0_u128..6, 0..=most).prop_map(|all| all.into_iter().map(id).collect())
}

fn ranks() -> impl Strategy<Value = Option<RankKey>> {
    let set = (0_i64..=10_000).prop_map(|points| rank((1 << 44) + points));
    prop::option::of(prop_oneof![(0_i64..1 << 44).prop_map(rank), set])
}

fn moment() -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::of((1_790_000_000_000_i64..1_800_000_000_000).prop_map(Timestamp::from_millis))
}

/// Any row of a person among the first few, of a few cards.
pub(in crate::crm) fn rows() -> impl Strategy<Value = CustomerRow> {
    let cards = (prop::collection::btree_map(0_u128..4, ranks(), 0..=3), ranks(), ids(2), 0_usize..3);
    let texts = ("[王小明李wangA ]{0,6}", "\\PC{0,10}", prop::option::of("[+]86138[0-9]{8}"), ids(4));
    let values = (prop::option::of(20_700_i32..20_720), prop::option::of(1_i64..50), moment(), moment());
    let owner = prop::option::of((prop::option::of(0_u128..4), prop::option::of(0_u128..4)));
    let source = prop::sample::select(CustomerSource::ALL.to_vec());
    let access = prop::sample::select(CollaboratorAccess::ALL.to_vec());
    let collaborators = prop::collection::btree_map(0_u128..4, access, 0..=2);
    let plan = (moment(), 0_u128..3, owner, source, collaborators);
    let parts = (any::<u128>(), cards, texts, values, plan);
    parts.prop_map(
        |(person, (cards, company_rank, departments, deals), texts, values, (at, by, owner, source, collaborators))| {
            let (name, company, mobile, tags) = texts;
            let (day, amount, last_visit, last_follow_up) = values;
            CustomerRow {
                person: id(person),
                cards: cards.into_iter().map(|(card, rank)| RowCard { card: id(card), rank }).collect(),
                departments,
                rank: company_rank,
                deals,
                name,
                company,
                mobile: mobile.unwrap_or_default(),
                source,
                former_owner: at.map(|_| id(by + 1)),
                owner: owner.map(|(member, card)| CustomerOwner { member: member.map(id), card: card.map(id) }),
                collaborators: collaborators.into_iter().map(|(member, access)| (id(member), access)).collect(),
                tags,
                expected_on: day.map(Day::from_number),
                amount: amount.map(Fen),
                last_visit,
                last_follow_up,
                next_follow_up: at.map(|at| RowPlan { at, by: id(by) }),
            }
        },
    )
}

proptest! {
    #[test]
    fn rows_read_back(rows in prop::collection::vec(rows(), 0..8)) {
        let bytes = pack_rows(rows.iter());
        prop_assert_eq!(unpack_rows(&bytes), Some(rows));
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>, rows in prop::collection::vec(rows(), 1..4), at: prop::sample::Index, bit in 0_u8..8) {
        let _ = unpack_rows(&[&[1], &bytes[..]].concat());
        let mut broken = pack_rows(rows.iter());
        let at = at.index(broken.len());
        broken[at] ^= 1 << bit;
        let _ = unpack_rows(&broken);
        prop_assert_eq!(unpack_rows(&broken[..broken.len() - 1]), None);
    }
}

/// Ten identities, each with as much as it may have.
#[test]
fn the_largest_row_fits_into_an_item() {
    let row = CustomerRow {
        cards: (0..2_000).map(|n| RowCard { card: id(n), rank: Some(rank(n.try_into().unwrap())) }).collect(),
        departments: (10_000..12_000).map(id).collect(),
        tags: (20_000..20_500).map(id).collect(),
        name: "𠮷".repeat(30),
        company: "𠮷".repeat(100),
        mobile: "+861380013800000".to_owned(),
        deals: 1_000,
        expected_on: Some(Day::from_number(40_000)),
        amount: Some(Fen(100_000_000_000)),
        last_visit: Some(Timestamp::from_millis(i64::MAX)),
        last_follow_up: Some(Timestamp::from_millis(i64::MAX)),
        next_follow_up: Some(RowPlan { at: Timestamp::from_millis(i64::MAX), by: id(7) }),
        ..plain(u128::MAX)
    };
    let bytes = pack_rows([&row].into_iter()).len();
    assert!((80_000..200_000).contains(&bytes), "{bytes}");
    let plain = pack_rows([&plain(u128::from(u64::MAX))].into_iter()).len();
    assert!(plain < 64, "{plain}");
}

#[test]
fn kinds_and_scopes_follow_from_cards_and_deals() {
    let shared = CustomerRow {
        cards: vec![RowCard { card: id(1), rank: None }, RowCard { card: id(2), rank: Some(rank(4)) }],
        departments: vec![id(3)],
        rank: None,
        ..plain(1)
    };
    assert_eq!(shared.kinds(), [CustomerKind::Shared, CustomerKind::Closed]);
    assert_eq!(plain(1).kinds(), [CustomerKind::Exclusive]);
    let (one, two, three) = (Scope::Card(id(1)), Scope::Card(id(2)), Scope::Card(id(3)));
    assert!(shared.is_in(one) && shared.is_in(two) && !shared.is_in(three) && shared.is_in(Scope::Company));
    assert!(shared.is_closed_in(one) && !shared.is_closed_in(two) && shared.is_closed_in(Scope::Company));
    assert!(shared.is_in(Scope::Department(id(3))) && !shared.is_in(Scope::Department(id(1))));
    let (model, today) = (Model::default(), Day::from_number(20_700));
    assert_eq!(shared.rate(&model, today), (Rate::CLOSED, Source::Deal));
    assert_eq!(shared.band_in(Scope::Company, &model, today), None);
    assert_eq!(shared.band_in(two, &model, today), Some(Band::Below50));
    let hoped = CustomerRow { rank: Some(RankKey::Set(Rate::from_percent(80).unwrap())), ..plain(2) };
    assert_eq!(hoped.rate(&model, today), (Rate::from_percent(80).unwrap(), Source::Manual));
}
