//! Customers who may be the same person.

use domain::crm::likely_duplicate::LikelyDuplicate;
use domain::crm::list_filter::ListContext;
use domain::crm::row::CustomerRow;
use domain::kernel::day::Day;
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use store::{CustomerList, RecordRead};

use crate::Flow;
use crate::crm::list::CustomerLister;

impl CustomerLister {
    /// The customers who may be the same person as one whom the member sees. Two calls; one more for an
    /// identity that lists do not name the person by.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for whom the member does not see.
    pub async fn likely_duplicates(&self, flow: &Flow<'_>, person: PersonId) -> Result<Vec<LikelyDuplicate>, Failure> {
        let list = flow.store.customer_list(self.company, None).await?;
        let CustomerList { rows, model, tags, contacts_hidden, .. } = list;
        let own = match rows.iter().find(|row| row.person == person) {
            Some(own) => own,
            None => self.row_of(flow, person, &rows).await?,
        };
        if !own.is_visible_to(self.viewer) {
            return Err(Failure::NotFound);
        }
        let today = Day::of(flow.now);
        let context = ListContext { viewer: self.viewer, model: &model, tags: &tags, today, contacts_hidden };
        Ok(own.likely_duplicates(&rows, context))
    }

    /// The row of a person with several identities.
    async fn row_of<'a>(
        &self,
        flow: &Flow<'_>,
        person: PersonId,
        rows: &'a [CustomerRow],
    ) -> Result<&'a CustomerRow, Failure> {
        let known = flow.store.known_customer(self.company, person, RecordRead::ToShow).await?;
        rows.iter().find(|row| known.identities.contains_key(&row.person)).ok_or(Failure::NotFound)
    }
}
