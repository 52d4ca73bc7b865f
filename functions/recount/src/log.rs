//! Reads the whole event log of a company.

use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::CardId;
use domain::radar::aggregate::Segment;
use store::Store;

/// Passes every segment of these cards to the closure.
pub(crate) async fn replay(
    store: &Store,
    company: Company,
    cards: &[CardId],
    mut show: impl FnMut(&Segment),
) -> Result<(), Failure> {
    for card in cards {
        let mut after = None;
        loop {
            let page = store.latest_log(company, *card, after).await?;
            page.items.iter().for_each(&mut show);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(())
}
