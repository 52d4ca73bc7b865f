//! Filling in what is known of a customer.

use std::collections::BTreeMap;

use domain::crm::command::CustomerError;
use domain::crm::field_history::FieldValue;
use domain::crm::profile::ProfileField;
use domain::crm::record::{KnownCustomer, Records};
use domain::crm::timeline::CustomerChange;
use domain::kernel::failure::Failure;
use domain::kernel::mobile::Mobile;
use domain::kernel::timestamp::Timestamp;

use store::CustomerBooks;

use crate::Flow;
use crate::crm::record::RecordEditor;

impl RecordEditor {
    /// Sets fields to texts that the fields allow; an empty one clears its field. Idempotent.
    ///
    /// # Errors
    /// [`CustomerError`].
    pub async fn set_profile(
        &self,
        flow: &Flow<'_>,
        texts: &BTreeMap<ProfileField, String>,
    ) -> Result<(KnownCustomer, CustomerBooks), CustomerError> {
        self.change(flow, |known, _| {
            let before = known.profile();
            let change = |(field, text): (&ProfileField, &String)| {
                Some((*field, before.change(*field, text, self.viewer.member, flow.now)?))
            };
            let changes: Vec<_> = texts.iter().filter_map(change).collect();
            Ok(self.with_values(known, changes))
        })
        .await
    }

    /// Sets a field to what it was at an earlier moment. Idempotent.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when no value of that moment is kept, and those of [`Self::set_profile`].
    pub async fn restore_profile_value(
        &self,
        flow: &Flow<'_>,
        field: ProfileField,
        set_at: Timestamp,
    ) -> Result<(KnownCustomer, CustomerBooks), CustomerError> {
        self.change(flow, |known, _| {
            let before = known.profile();
            let text = before.text_set_at(field, set_at).ok_or(Failure::NotFound)?;
            let back = before.change(field, text, self.viewer.member, flow.now);
            Ok(self.with_values(known, back.map(|value| (field, value)).into_iter().collect()))
        })
        .await
    }

    fn with_values(
        &self,
        known: &KnownCustomer,
        values: Vec<(ProfileField, FieldValue)>,
    ) -> Option<(Records, CustomerChange)> {
        let fields: Vec<_> = values.iter().map(|(field, _)| *field).collect();
        let mut record = known.record_of(self.person);
        for (field, value) in values {
            if let Some(addition) = record.addition.as_mut().filter(|_| field == ProfileField::Mobile) {
                addition.mobile = Mobile::parse(&value.text).ok();
            }
            record.profile.set(field, value);
        }
        let changed = Records::from([(self.person, record)]);
        (!fields.is_empty()).then_some((changed, CustomerChange::Profile(fields)))
    }
}
