//! The list of customers, made anew: so companies that are older than the list get theirs, and ranks follow
//! another model.

use std::collections::BTreeSet;

use domain::company::Company;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use store::{PutAside, Store};

/// Brings the rows of these persons, of whomever something is kept, and of everybody who is listed up to
/// date, and corrects the numbers. Returns how many rows and numbers were wrong.
pub(crate) async fn refresh(
    store: &Store,
    company: Company,
    mut people: BTreeSet<PersonId>,
    today: Day,
    aside: &mut PutAside,
) -> Result<usize, Failure> {
    people.extend(store.listed_persons(company).await?);
    store.every_customer_record(company, aside, |person, _| _ = people.insert(person)).await?;
    let wrong = store.refresh_list(company, &people, today, aside).await?;
    Ok(wrong + store.recount_list(company).await?)
}
