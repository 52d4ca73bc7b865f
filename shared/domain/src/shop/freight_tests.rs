//! Freight of an order by hand-computed examples, and that more never costs less.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::kernel::id::Id;

const FEE: FreightFee = FreightFee { first: 2, first_fee: Fen(800), further: 3, further_fee: Fen(500) };

fn id(n: u128) -> FreightTemplateId {
    FreightTemplateId::from_uuid(Uuid::from_u128(n))
}

fn template(measure: FreightMeasure) -> FreightTemplate {
    let west = FreightFee { first: 1, first_fee: Fen(2_000), further: 1, further_fee: Fen(1_500) };
    FreightTemplate {
        name: Line::parse("快递").unwrap(),
        measure,
        fee: FEE,
        zones: vec![FreightZone { provinces: BTreeSet::from([Province::Tibet, Province::Xinjiang]), fee: west }],
        excluded: BTreeSet::from([Province::Taiwan]),
        free_from: Some(Fen(9_900)),
    }
}

fn book(measure: FreightMeasure) -> FreightBook {
    FreightBook::default().add(id(1), template(measure)).unwrap()
}

fn line(freight: Freight, quantity: u32, amount: i64) -> FreightLine {
    FreightLine { freight, quantity, weight_g: 400, amount: Fen(amount) }
}

#[test]
fn pieces_of_all_lines_of_a_template_are_counted_together() {
    let lines = [line(Freight::Template(id(1)), 2, 100), line(Freight::Template(id(1)), 4, 100)];
    let cost = |province| book(FreightMeasure::Piece).cost(&lines, province);
    assert_eq!(cost(Province::Guangdong), Ok(Fen(800 + 2 * 500)), "6 pieces: the first 2, and two begun steps of 3");
    assert_eq!(cost(Province::Tibet), Ok(Fen(2_000 + 5 * 1_500)));
    assert_eq!(cost(Province::Taiwan), Err(FreightError::Excluded));
}

#[test]
fn weight_is_counted_in_grams() {
    let fee = FreightFee { first: 1_000, first_fee: Fen(1_000), further: 500, further_fee: Fen(200) };
    let by_weight = FreightTemplate { fee, ..template(FreightMeasure::Weight) };
    let book = FreightBook::default().add(id(1), by_weight).unwrap();
    let cost = |quantity| book.cost(&[line(Freight::Template(id(1)), quantity, 1)], Province::Beijing);
    assert_eq!(cost(2), Ok(Fen(1_000)), "800 g");
    assert_eq!(cost(3), Ok(Fen(1_200)), "1,200 g");
    assert_eq!(cost(4), Ok(Fen(1_400)), "1,600 g");
}

#[test]
fn of_flat_fees_the_highest_counts_once_beside_the_templates() {
    let lines = [
        line(Freight::Flat(Fen(600)), 3, 1),
        line(Freight::Flat(Fen(900)), 1, 1),
        line(Freight::Template(id(1)), 1, 1),
    ];
    assert_eq!(book(FreightMeasure::Piece).cost(&lines, Province::Hebei), Ok(Fen(900 + 800)));
    assert_eq!(book(FreightMeasure::Piece).cost(&[line(Freight::Free, 9, 1)], Province::Taiwan), Ok(Fen(0)));
}

#[test]
fn enough_makes_it_free() {
    let cost = |amount| book(FreightMeasure::Piece).cost(&[line(Freight::Template(id(1)), 1, amount)], Province::Hebei);
    assert_eq!(cost(9_899), Ok(Fen(800)));
    assert_eq!(cost(9_900), Ok(Fen(0)));
}

#[test]
fn wrong_templates_are_refused_with_their_place() {
    let refused = |template: FreightTemplate| template.check().unwrap_err().pointer;
    let good = template(FreightMeasure::Piece);
    assert_eq!(good.check(), Ok(()));
    let none = FreightFee { further: 0, ..FEE };
    assert_eq!(refused(FreightTemplate { fee: none, ..good.clone() }), "/fee");
    let negative = FreightFee { first_fee: Fen(-1), ..FEE };
    let zone = FreightZone { provinces: BTreeSet::from([Province::Hebei]), fee: negative };
    assert_eq!(refused(FreightTemplate { zones: vec![zone.clone()], ..good.clone() }), "/zones");
    let zone = FreightZone { fee: FEE, ..zone };
    assert_eq!(refused(FreightTemplate { zones: vec![zone.clone(), zone], ..good.clone() }), "/zones");
    assert_eq!(refused(FreightTemplate { free_from: Some(Fen(0)), ..good }), "/free_from");
}

#[test]
fn names_stand_once_and_templates_end_at_the_limit() {
    let book = book(FreightMeasure::Piece);
    assert!(matches!(book.add(id(2), template(FreightMeasure::Weight)), Err(BookRefusal::NameTaken(_))));
    let named = |n: u128| FreightTemplate {
        name: Line::parse(&format!("模板{n}")).unwrap(),
        ..template(FreightMeasure::Piece)
    };
    let full = (2..=20).fold(book, |book, n| book.add(id(n), named(n)).unwrap());
    assert!(matches!(full.add(id(21), named(21)), Err(BookRefusal::Limit(_))));
    assert!(full.remove(id(21)).is_err());
    assert_eq!(full.remove(id(20)).unwrap().iter().count(), 19);
}

/// A book as large as it can be.
fn full_book() -> FreightBook {
    let fee = FreightFee { first: STEP_MAX, first_fee: FEE_MAX, further: STEP_MAX, further_fee: FEE_MAX };
    let zone = |province: &Province| FreightZone { provinces: BTreeSet::from([*province]), fee };
    let full = |n: u128| FreightTemplate {
        name: Line::parse(&format!("{n:运>20}").replace('0', "费")).unwrap(),
        measure: FreightMeasure::Weight,
        fee,
        zones: Province::ALL.iter().map(zone).collect(),
        excluded: BTreeSet::new(),
        free_from: Some(Fen(i64::MAX)),
    };
    (1..=20).fold(FreightBook::default(), |book, n| book.add(id(n), full(n)).unwrap())
}

#[test]
fn a_full_book_fits_into_an_item() {
    let book = full_book();
    assert_eq!(book.iter().count(), FREIGHT_TEMPLATES_MAX);
    let bytes = serde_json::to_vec(&book).unwrap().len();
    assert!((50_000..100_000).contains(&bytes), "{bytes} bytes");
}

#[test]
fn a_weight_that_is_too_large_is_an_error() {
    let heavy = FreightLine { quantity: u32::MAX, weight_g: u32::MAX, ..line(Freight::Template(id(1)), 1, 1) };
    assert_eq!(book(FreightMeasure::Weight).cost(&[heavy, heavy], Province::Hebei), Err(FreightError::Overflow));
}

proptest! {
    #[test]
    fn more_never_costs_less(count in 0u64..10_000, more in 0u64..10_000, first in 1u32..100, further in 1u32..100) {
        let fee = FreightFee { first, further, ..FEE };
        prop_assert!(fee.of(count).unwrap() <= fee.of(count + more).unwrap());
    }
}
