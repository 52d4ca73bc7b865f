//! Reads the whole event log of a company.

use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::CardId;
use domain::radar::aggregate::{Segment, SegmentKey};
use store::{PutAside, Store};

/// Passes every segment of these cards to the closure, and returns those that are put aside.
pub(crate) async fn replay(
    store: &Store,
    company: Company,
    cards: &[CardId],
    aside: &mut PutAside,
    mut show: impl FnMut(&Segment),
) -> Result<Vec<SegmentKey>, Failure> {
    let mut unreadable = Vec::new();
    for card in cards {
        let mut after = None;
        loop {
            let page = store.latest_log(company, *card, after, aside).await?;
            for segment in &page.items {
                match segment {
                    Ok(segment) => show(segment),
                    Err(key) => unreadable.push(*key),
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(unreadable)
}
