//! The customer that a member names: who may see them, and changing what is kept of them.

use domain::company::Company;
use domain::crm::command::CustomerError;
use domain::crm::record::{CustomerRecord, KnownCustomer, Records, Viewer};
use domain::crm::timeline::{CustomerChange, TimelineEntry};
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use runtime::retry::Policy;
use store::RecordRead;

use crate::Flow;

/// A customer of the company, and the member who names them.
#[derive(Debug, Clone, Copy)]
pub struct RecordEditor {
    /// The company.
    pub company: Company,
    /// The identity that the member names.
    pub person: PersonId,
    /// The member.
    pub viewer: Viewer,
    /// Whether their radar is on.
    pub radar_on: bool,
}

impl RecordEditor {
    /// The customer, for a member who may see them.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for others and for nobody's id, [`CustomerError::RadarNotActive`].
    pub async fn find(&self, flow: &Flow<'_>) -> Result<KnownCustomer, CustomerError> {
        self.read(flow, RecordRead::ToShow).await
    }

    async fn read(&self, flow: &Flow<'_>, read: RecordRead) -> Result<KnownCustomer, CustomerError> {
        let known = flow.store.known_customer(self.company, self.person, read).await?;
        self.admit(&known)?;
        Ok(known)
    }

    /// Succeeds if the member may see the customer.
    pub(crate) fn admit(&self, known: &KnownCustomer) -> Result<(), CustomerError> {
        if !known.is_visible_to(self.viewer) {
            return Err(Failure::NotFound.into());
        }
        // After the look-up: a member whose radar is off learns no more than with it on.
        if self.radar_on { Ok(()) } else { Err(CustomerError::RadarNotActive) }
    }

    /// Changes the record of the identity that the member names, as long as others change it too.
    /// `apply` changes it, knowing the whole customer, and says what it did; `None` for nothing.
    pub(crate) async fn change(
        &self,
        flow: &Flow<'_>,
        apply: impl Fn(&KnownCustomer, &mut CustomerRecord) -> Result<Option<CustomerChange>, CustomerError>,
    ) -> Result<KnownCustomer, CustomerError> {
        let attempt = || async {
            match self.try_to_change(flow, &apply).await {
                Err(CustomerError::Failed(failure)) => Err(failure),
                done => Ok(done),
            }
        };
        flow.store.retry().run(Policy::CONTENTION, attempt).await?
    }

    async fn try_to_change(
        &self,
        flow: &Flow<'_>,
        apply: impl Fn(&KnownCustomer, &mut CustomerRecord) -> Result<Option<CustomerChange>, CustomerError>,
    ) -> Result<KnownCustomer, CustomerError> {
        let mut known = self.read(flow, RecordRead::ToChange).await?;
        let mut record = known.records.get(&self.person).cloned().unwrap_or_default();
        let Some(change) = apply(&known, &mut record)? else { return Ok(known) };
        let id = flow.ids.uuid(flow.now).map_err(|error| Failure::Unavailable(error.to_string()))?;
        let entry = TimelineEntry { id, at: flow.now, by: self.viewer.member, change };
        let changed = Records::from([(self.person, record)]);
        flow.store.change_records(self.company, &changed, (self.person, &entry)).await?;
        known.records.extend(changed);
        Ok(known)
    }
}
