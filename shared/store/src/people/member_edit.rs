//! What members are called, on their cards too, and what they may do.

use aws_sdk_dynamodb::types::Update;
use domain::company::Company;
use domain::company::quota::Move;
use domain::kernel::failure::Failure;
use domain::people::member::{Ended, Member, Role, SeatChange};

use crate::company::audit::add_entry;
use crate::company::quota::QuotaName;
use crate::people::card_mark::mark_card;
use crate::people::member::{MemberChange, as_read};
use crate::people::rights::{change_rights, rights_begin};
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

    /// Changes the status of a membership, and with it the member's seat and card.
    ///
    /// # Errors
    /// [`Failure::VersionConflict`] when the member has changed since they were read;
    /// [`Failure::Exhausted`] `seats` when they need one and none is left.
    pub async fn set_member_ended(
        &self,
        company: Company,
        change: MemberChange<'_>,
        ended: Option<Ended>,
        seat: SeatChange,
    ) -> Result<(), Failure> {
        let MemberChange { read, audit } = change;
        let update = match ended {
            Some(ended) => Update::builder()
                .update_expression("SET ended = :ended")
                .expression_attribute_values(":ended", text(ended.name())),
            // Who comes back begins anew: what they made before lets nobody in any more.
            None => Update::builder()
                .update_expression(format!("SET {} REMOVE ended, successor", rights_begin(Role::ALL).join(", ")))
                .expression_attribute_values(":since", number(audit.at.millis())),
        };
        let mut transaction = Transaction::default();
        let update = change_rights(as_read(update, read));
        transaction.update(&self.table, &keys::member(company, read.id), update, Failure::VersionConflict);
        if ended.is_some() {
            transaction.remove(&self.table, &keys::sessions(company, read.id));
        }
        if let Some(card) = read.card {
            mark_card(&mut transaction, &self.table, company, card, ended);
        }
        let seats = self.quota_ref(company, QuotaName::Seats);
        match seat {
            SeatChange::Keep => {}
            SeatChange::Take => seats.shift(&mut transaction, Move::Take(1)),
            SeatChange::GiveBack => seats.shift(&mut transaction, Move::GiveBack(1)),
            SeatChange::Release => seats.release(&mut transaction, &read.id.to_string(), 1),
        }
        add_entry(&mut transaction, &self.table, company, audit)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// Changes what a member may do.
    ///
    /// # Errors
    /// [`Failure::VersionConflict`] when their role has changed since they were read.
    pub async fn set_member_role(&self, company: Company, change: MemberChange<'_>, role: Role) -> Result<(), Failure> {
        let MemberChange { read, audit } = change;
        let gained = rights_begin(Role::ALL.into_iter().filter(|one| read.role < *one && *one <= role));
        let sets: Vec<_> = std::iter::once("#role = :role".to_owned()).chain(gained.iter().cloned()).collect();
        let mut update = Update::builder()
            .update_expression(format!("SET {}", sets.join(", ")))
            .condition_expression("#role = :was")
            .expression_attribute_names("#role", "role")
            .expression_attribute_values(":role", text(role.name()))
            .expression_attribute_values(":was", text(read.role.name()));
        if !gained.is_empty() {
            update = update.expression_attribute_values(":since", number(audit.at.millis()));
        }
        let (key, update) = (keys::member(company, read.id), change_rights(update));
        let mut transaction = Transaction::default();
        transaction.update(&self.table, &key, update, Failure::VersionConflict);
        add_entry(&mut transaction, &self.table, company, audit)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }
}
