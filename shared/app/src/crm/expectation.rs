//! Setting when a deal is expected, and of which amount.

use domain::crm::command::CustomerError;
use domain::crm::expectation::ExpectationUpdate;
use domain::crm::record::{KnownCustomer, Records};
use domain::crm::timeline::CustomerChange;

use crate::Flow;
use crate::crm::record::RecordEditor;

impl RecordEditor {
    /// Sets or clears what is expected. Idempotent.
    ///
    /// # Errors
    /// [`CustomerError`].
    pub async fn set_expectation(
        &self,
        flow: &Flow<'_>,
        update: ExpectationUpdate,
    ) -> Result<KnownCustomer, CustomerError> {
        let update = update.check(flow.now)?;
        let changed = self.change(flow, |known, _| {
            let before = known.expectation();
            let after = before.after(update, self.viewer.member, flow.now);
            let mut record = known.record_of(self.person);
            record.expectation = after;
            let change = CustomerChange::Expectation {
                expected_on: after.day.and_then(|set| set.value),
                amount_fen: after.amount.and_then(|set| set.value),
            };
            Ok((before != after).then(|| (Records::from([(self.person, record)]), change)))
        });
        Ok(changed.await?.0)
    }
}
