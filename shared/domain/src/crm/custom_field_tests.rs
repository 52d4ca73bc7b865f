use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::kernel::id::Id;

fn name(text: &str) -> CustomFieldName {
    Line::parse(text).unwrap()
}

fn options(names: &[&str]) -> Vec<OptionDraft> {
    names.iter().map(|text| OptionDraft { number: None, name: name(text) }).collect()
}

fn field(kind: CustomFieldKind) -> CustomField {
    let options = if kind.has_options() { options(&["甲", "乙", "丙"]) } else { Vec::new() };
    CustomField::new(name(kind.name()), kind, &options).unwrap()
}

fn id(n: u128) -> CustomFieldId {
    CustomFieldId::from_uuid(Uuid::from_u128(n))
}

#[test]
fn values_have_one_form() {
    use CustomFieldKind::{Date, Number, OneOf, Phone, SomeOf, Text};
    for (kind, given, stored) in [
        (Text, " 王 ", Some("王")),
        (Text, "一\n二", None),
        (Number, "012.50", Some("12.5")),
        (Number, "-0.0", Some("0")),
        (Number, "-3", Some("-3")),
        (Number, "1e5", None),
        (Number, ".5", None),
        (Number, "1234567890123456", None),
        (Date, "2026-02-29", None),
        (Date, "2028-02-29", Some("2028-02-29")),
        (Phone, "138 0013 8000", Some("+8613800138000")),
        (Phone, "12", None),
        (OneOf, "2", Some("2")),
        (OneOf, "1;2", None),
        (OneOf, "4", None),
        (SomeOf, "3; 1;3", Some("1;3")),
        (SomeOf, "1;x", None),
    ] {
        assert_eq!(field(kind).parse(given).ok().as_deref(), stored, "{} {given}", kind.name());
        assert_eq!(field(kind).parse("  ").unwrap(), "");
    }
}

#[test]
fn an_option_keeps_its_number_and_one_that_is_left_out_is_shown_no_more() {
    let field = field(CustomFieldKind::SomeOf);
    let kept = |number, text| OptionDraft { number: Some(number), name: name(text) };
    let new = OptionDraft { number: None, name: name("丁") };
    let next = field.with(name("新"), &[kept(3, "丙改"), kept(1, "甲"), new.clone()]).unwrap();
    assert_eq!(next.options.keys().copied().collect::<Vec<_>>(), [1, 3, 4]);
    assert_eq!((next.shown("1;2;3"), next.shown("2")), ("1;3".to_owned(), String::new()));
    // The same request again adds no option.
    assert_eq!(next.with(name("新"), &[kept(3, "丙改"), kept(1, "甲"), new.clone()]).unwrap(), next);
    // The number of an option that is gone is not given again.
    let again = next.with(name("新"), &[kept(1, "甲")]).unwrap().with(name("新"), &[kept(1, "甲"), new]).unwrap();
    assert_eq!(again.options.keys().copied().collect::<Vec<_>>(), [1, 5]);
    assert!(field.with(name("新"), &[kept(9, "九")]).is_err());
    assert!(field.with(name("新"), &[kept(1, "甲"), kept(1, "乙")]).is_err());
    assert!(field.with(name("新"), &options(&["甲", "甲"])).is_err());
    assert!(field.with(name("新"), &[]).is_err());
    assert!(super::tests::field(CustomFieldKind::Text).with(name("新"), &options(&["甲"])).is_err());
}

#[test]
fn names_are_given_once_and_there_are_limits() {
    let text = |text: &str| CustomField::new(name(text), CustomFieldKind::Text, &[]).unwrap();
    let full = (0..20).fold(CustomFieldBook::default(), |book, n| book.add(id(n), text(&format!("字段{n}"))).unwrap());
    assert_eq!(full.add(id(99), text("多")), Err(LIMIT));
    assert_eq!(full.change(id(1), &name("字段2"), &[]), Err(NAME_TAKEN));
    assert_eq!(full.change(id(1), &name("字段1"), &[]).unwrap(), full);
    assert_eq!(full.change(id(99), &name("字段1"), &[]), Err(BookRefusal::Unknown));
    let less = full.remove(id(1)).unwrap();
    assert_eq!((less.iter().count(), less.version()), (19, 21));
    assert_eq!(less.remove(id(1)), Err(BookRefusal::Unknown));
    let many: Vec<_> = (0..51).map(|n| OptionDraft { number: None, name: name(&n.to_string()) }).collect();
    assert!(CustomField::new(name("多"), CustomFieldKind::OneOf, &many).is_err());
}

proptest! {
    #[test]
    fn what_is_stored_is_stored_again_as_it_is(text in "[-0-9.;x ]{0,18}") {
        for kind in CustomFieldKind::ALL {
            let field = field(*kind);
            if let Ok(stored) = field.parse(&text) {
                prop_assert_eq!(field.parse(&stored).unwrap(), stored.clone());
                prop_assert_eq!(field.shown(&stored), stored);
            }
        }
    }
}
