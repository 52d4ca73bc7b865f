use proptest::prelude::*;

use super::*;

fn id(n: u128) -> TagId {
    TagId::from_uuid(Uuid::from_u128(n))
}

fn tag(name: &str) -> CustomerTag {
    CustomerTag { name: Line::parse(name).unwrap(), group: Line::parse("组").unwrap() }
}

fn mark(ms: i64) -> TagMark {
    TagMark { at: Timestamp::from_millis(ms), by: MemberId::from_uuid(Uuid::nil()) }
}

#[test]
fn every_company_begins_with_the_same_tags() {
    let book = TagBook::default();
    assert_eq!((book.iter().count(), book.version), (11, 0));
    assert_eq!(book, TagBook::default());
}

#[test]
fn a_name_is_given_once_in_a_group() {
    let book = TagBook::default().add(id(1), tag("甲")).unwrap();
    assert_eq!(book.add(id(2), tag("甲")), Err(BookRefusal::NameTaken("该分组中已有同名标签")));
    let other_group = CustomerTag { group: Line::parse("别组").unwrap(), ..tag("甲") };
    assert!(book.add(id(2), other_group).is_ok());
    let book = book.add(id(2), tag("乙")).unwrap();
    assert_eq!(book.change(id(2), tag("甲")), Err(BookRefusal::NameTaken("该分组中已有同名标签")));
    assert_eq!(book.change(id(3), tag("丙")), Err(BookRefusal::Unknown));
    assert_eq!(book.change(id(2), tag("乙")).unwrap().version, book.version);
}

#[test]
fn there_are_limits() {
    let full = (1..=189).fold(TagBook::default(), |book, n| book.add(id(n), tag(&format!("标{n}"))).unwrap());
    assert_eq!(full.add(id(500), tag("多")), Err(LIMIT));
    assert!(check_count(50).is_ok() && check_count(51).is_err());
}

#[test]
fn merged_tags_lead_to_the_last_one_and_deleted_ones_to_none() {
    let book = (1..=4).fold(TagBook::default(), |book, n| book.add(id(n), tag(&format!("标{n}"))).unwrap());
    let book = book.remove(id(1), Some(id(2))).unwrap().remove(id(2), Some(id(3))).unwrap();
    assert_eq!((book.resolve(id(1)), book.resolve(id(2))), (Some(id(3)), Some(id(3))));
    // A retry changes nothing; another target, itself and a tag that is gone are refused.
    assert_eq!(book.remove(id(2), Some(id(3))).unwrap(), book);
    assert_eq!(book.remove(id(2), None), Err(BookRefusal::Unknown));
    assert_eq!(book.remove(id(3), Some(id(3))), Err(BookRefusal::Unknown));
    assert_eq!(book.remove(id(4), Some(id(1))), Err(BookRefusal::Unknown));
    let book = book.remove(id(3), None).unwrap();
    assert_eq!((book.resolve(id(1)), book.resolve(id(3))), (None, None));
    assert_eq!(book.resolve_all(&[id(4)]).unwrap(), [id(4)]);
    assert!(book.resolve_all(&[id(4), id(1)]).is_err());
}

#[test]
fn a_customer_has_what_their_identities_were_given_and_each_once() {
    let book = (1..=2).fold(TagBook::default(), |book, n| book.add(id(n), tag(&format!("标{n}"))).unwrap());
    let book = book.remove(id(1), Some(id(2))).unwrap();
    let parts = [TagMarks::from([(id(1), mark(5)), (id(9), mark(1))]), TagMarks::from([(id(2), mark(3))])];
    assert_eq!(book.of_customer(&parts), TagMarks::from([(id(2), mark(3))]));
}

proptest! {
    #[test]
    fn what_an_id_stands_for_is_always_in_the_book(steps in prop::collection::vec((0_u128..8, 0_u128..9, 0_u8..3), 0..40)) {
        let mut book = TagBook::default();
        for (one, other, step) in steps {
            let next = match step {
                0 => book.add(id(one), tag(&format!("标{one}"))),
                1 => book.change(id(one), tag(&format!("改{other}"))),
                _ => book.remove(id(one), (other < 8).then(|| id(other))),
            };
            book = next.unwrap_or(book);
            for n in 0..8 {
                let stands_for = book.resolve(id(n));
                prop_assert!(stands_for.is_none_or(|tag| book.iter().any(|(known, _)| known == tag)));
            }
        }
    }
}
