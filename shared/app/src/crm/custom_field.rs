//! Filling in the fields that a company has added to its customers.

use std::collections::BTreeMap;

use domain::crm::command::CustomerError;
use domain::crm::custom_field::CustomFieldBook;
use domain::crm::field_history::FieldValue;
use domain::crm::record::{KnownCustomer, Records};
use domain::crm::timeline::CustomerChange;
use domain::kernel::failure::Failure;
use domain::kernel::id::CustomFieldId;
use domain::kernel::timestamp::Timestamp;
use store::{CustomerBooks, RecordRead};

use crate::Flow;
use crate::crm::record::RecordEditor;

impl RecordEditor {
    /// Sets fields to values that the fields allow: `parse` reads them by the company's book. Idempotent.
    ///
    /// # Errors
    /// [`CustomerError`], and the error of `parse`.
    pub async fn set_custom_fields<E: From<CustomerError>>(
        &self,
        flow: &Flow<'_>,
        parse: impl Fn(&CustomFieldBook) -> Result<BTreeMap<CustomFieldId, String>, E>,
    ) -> Result<(KnownCustomer, CustomerBooks), E> {
        let book = self.read_with_books(flow, RecordRead::ToShow).await?.1.fields;
        let values = parse(&book)?;
        let set = self.change(flow, |known, books| {
            let before = known.custom();
            let stands = |field: &CustomFieldId| books.fields.iter().any(|(known, _)| known == *field);
            let change = |(field, text): (&CustomFieldId, &String)| {
                Some((*field, before.change(*field, text, self.viewer.member, flow.now)?))
            };
            let values: Vec<_> = values.iter().filter(|(field, _)| stands(field)).filter_map(change).collect();
            Ok(self.with_custom(known, books, values))
        });
        Ok(set.await?)
    }

    /// Sets a field to what it was at an earlier moment. Idempotent.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such field, or no value of that moment is kept;
    /// [`CustomerError`].
    pub async fn restore_custom_value(
        &self,
        flow: &Flow<'_>,
        field: CustomFieldId,
        set_at: Timestamp,
    ) -> Result<(KnownCustomer, CustomerBooks), CustomerError> {
        self.change(flow, |known, books| {
            let before = known.custom();
            let (_, definition) = books.fields.iter().find(|(known, _)| *known == field).ok_or(Failure::NotFound)?;
            let text = definition.shown(before.text_set_at(field, set_at).ok_or(Failure::NotFound)?);
            let back = before.change(field, &text, self.viewer.member, flow.now);
            Ok(self.with_custom(known, books, back.map(|value| (field, value)).into_iter().collect()))
        })
        .await
    }

    fn with_custom(
        &self,
        known: &KnownCustomer,
        books: &CustomerBooks,
        values: Vec<(CustomFieldId, FieldValue)>,
    ) -> Option<(Records, CustomerChange)> {
        let fields: Vec<_> = values.iter().map(|(field, _)| *field).collect();
        let mut record = known.record_of(self.person);
        // What was deleted makes room.
        record.custom.retain(|field| books.fields.iter().any(|(known, _)| known == field));
        values.into_iter().for_each(|(field, value)| record.custom.set(field, value));
        let changed = Records::from([(self.person, record)]);
        (!fields.is_empty()).then_some((changed, CustomerChange::CustomFields(fields)))
    }
}
