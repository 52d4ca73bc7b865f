//! What members are called, on their cards too.

use aws_sdk_dynamodb::types::Update;
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::people::member::Member;

use crate::company::audit::add_entry;
use crate::people::member::{MemberChange, as_read};
use crate::table::item::{number, text};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

impl Store {
    /// Changes name and position of a member, on their card too if they have one.
    ///
    /// # Errors
    /// [`Failure::VersionConflict`] when they have changed since they were read.
    pub async fn edit_member(&self, company: Company, change: MemberChange<'_>, after: &Member) -> Result<(), Failure> {
        let MemberChange { read, audit } = change;
        let update = as_read(Update::builder(), read);
        let stands = update.get_condition_expression().as_deref().unwrap_or("attribute_exists(id)");
        let condition = format!("{stands} AND #name = :was_name AND #position = :was_position");
        let update = update
            .update_expression("SET #name = :name, #position = :position")
            .condition_expression(condition)
            .expression_attribute_names("#name", "name")
            .expression_attribute_names("#position", "position")
            .expression_attribute_values(":was_name", text(read.name.as_str()))
            .expression_attribute_values(":was_position", text(read.position.as_str()))
            .expression_attribute_values(":name", text(after.name.as_str()))
            .expression_attribute_values(":position", text(after.position.as_str()));
        let mut transaction = Transaction::default();
        transaction.update(&self.table, &keys::member(company, read.id), update, Failure::VersionConflict);
        if let Some(card) = read.card {
            // Added to, not set: an edit of the card from before this one meets the next version.
            let shown = Update::builder()
                .update_expression(
                    "SET #identity.#name = :name, #identity.#position = :position, version = version + :one, updated_at = :now",
                )
                .condition_expression("attribute_exists(id)")
                .expression_attribute_names("#identity", "identity")
                .expression_attribute_names("#name", "name")
                .expression_attribute_names("#position", "position")
                .expression_attribute_values(":name", text(after.name.as_str()))
                .expression_attribute_values(":position", text(after.position.as_str()))
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":now", number(audit.at.millis()));
            transaction.update(&self.table, &keys::card(company, card), shown, Failure::VersionConflict);
        }
        add_entry(&mut transaction, &self.table, company, audit)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }
}
