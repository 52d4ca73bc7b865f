//! The customer that a member names: who may see them, and changing what is kept of them.

use domain::company::Company;
use domain::crm::command::CustomerError;
use domain::crm::ownership::CustomerRight;
use domain::crm::record::{KnownCustomer, Records};
use domain::crm::timeline::{CustomerChange, TimelineEntry};
use domain::crm::viewer::Viewer;
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;
use store::{CustomerBooks, RecordRead};

use crate::Flow;
use crate::crm::while_contended;

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

/// A customer as a member may see them.
#[derive(Debug)]
pub struct ShownCustomer {
    /// The customer.
    pub known: KnownCustomer,
    /// What the company has to read them by.
    pub books: CustomerBooks,
    /// Whether what they can be reached by is left out.
    pub contacts_hidden: bool,
}

impl RecordEditor {
    /// The customer, for a member who may see them.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for others and for nobody's id, [`CustomerError::RadarNotActive`].
    pub async fn find(&self, flow: &Flow<'_>) -> Result<KnownCustomer, CustomerError> {
        self.read(flow, RecordRead::ToShow).await
    }

    pub(crate) async fn read(&self, flow: &Flow<'_>, read: RecordRead) -> Result<KnownCustomer, CustomerError> {
        let known = flow.store.known_customer(self.company, self.person, read).await?;
        self.admit(&known)?;
        check_kept(&known, read)?;
        Ok(known)
    }

    /// Succeeds if the member may see the customer.
    pub(crate) fn admit(&self, known: &KnownCustomer) -> Result<(), CustomerError> {
        self.admit_if(known.is_visible_to(self.viewer))
    }

    /// Succeeds for a member who may do this, while their radar is on.
    pub(crate) fn admit_if(&self, allowed: bool) -> Result<(), CustomerError> {
        if !allowed {
            return Err(Failure::NotFound.into());
        }
        // After the look-up: a member whose radar is off learns no more than with it on.
        if self.radar_on { Ok(()) } else { Err(CustomerError::RadarNotActive) }
    }

    /// Succeeds if the member may see and change the customer.
    pub(crate) fn admit_to_edit(&self, known: &KnownCustomer) -> Result<(), CustomerError> {
        self.admit(known)?;
        self.require(known, CustomerRight::Edit)
    }

    /// The customer as the member may see them: without contacts, when nobody owns the customer and the
    /// company hides them until then.
    ///
    /// # Errors
    /// [`CustomerError`].
    pub async fn show(&self, flow: &Flow<'_>) -> Result<ShownCustomer, CustomerError> {
        let (mut known, books) = self.read_with_books(flow, RecordRead::ToShow).await?;
        let contacts_hidden = books.rules.contacts_hidden && known.right_of(self.viewer) == CustomerRight::Unowned;
        if contacts_hidden {
            known.records.values_mut().for_each(|record| record.hide_contacts(&books.fields));
        }
        Ok(ShownCustomer { known, books, contacts_hidden })
    }

    pub(crate) async fn read_with_books(
        &self,
        flow: &Flow<'_>,
        read: RecordRead,
    ) -> Result<(KnownCustomer, CustomerBooks), CustomerError> {
        let (known, books) = flow.store.known_customer_and_books(self.company, self.person, read).await?;
        self.admit(&known)?;
        check_kept(&known, read)?;
        Ok((known, books))
    }

    /// Changes what is kept of the customer, while others change it too. `apply` returns the records that
    /// change and what that is; `None` for nothing.
    pub(crate) async fn change(
        &self,
        flow: &Flow<'_>,
        apply: impl Fn(&KnownCustomer, &CustomerBooks) -> Result<Option<(Records, CustomerChange)>, CustomerError>,
    ) -> Result<(KnownCustomer, CustomerBooks), CustomerError> {
        let apply = &apply;
        while_contended(flow, || async move {
            let (mut known, books) = self.read_with_books(flow, RecordRead::ToChange).await?;
            self.require(&known, CustomerRight::Edit)?;
            let Some((mut changed, change)) = apply(&known, &books)? else { return Ok((known, books)) };
            let numbers = self.moved_numbers(flow, &known, &mut changed).await?;
            let entry = self.timeline_entry(flow, change)?;
            flow.store.change_records(self.company, &known, (&changed, &numbers), (self.person, &entry)).await?;
            known.records.extend(changed);
            Ok((known, books))
        })
        .await
    }

    /// The entry of what the member does now.
    pub(crate) fn timeline_entry(&self, flow: &Flow<'_>, change: CustomerChange) -> Result<TimelineEntry, Failure> {
        let id = flow.uuid()?;
        Ok(TimelineEntry { id, at: flow.now, by: Some(self.viewer.member), change })
    }
}

/// Succeeds unless something is to be kept of a person who had it erased.
pub(crate) fn check_kept(known: &KnownCustomer, read: RecordRead) -> Result<(), CustomerError> {
    match (read, known.erased_at()) {
        (RecordRead::ToChange, Some(_)) => Err(CustomerError::Erased),
        _ => Ok(()),
    }
}
