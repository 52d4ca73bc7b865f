use super::*;

#[test]
fn each_row_makes_an_identity_of_its_own() {
    let job = |n: u128| JobId::from_uuid(Uuid::from_u128(n << 64));
    let people: std::collections::BTreeSet<_> =
        (1..=2).flat_map(|n| (1..=1_000).map(move |row| imported_person(job(n), row))).collect();
    assert_eq!(people.len(), 2_000);
    assert_eq!(imported_person(job(1), 7), imported_person(job(1), 7));
}
