//! Invitations: the item that counts the people who came by it, and its code, by hash.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::Update;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use domain::company::Company;
use domain::company::audit::AuditEntry;
use domain::company::quota::Move;
use domain::kernel::failure::{Failure, Thing};
use domain::kernel::id::InvitationId;
use domain::kernel::idempotency::Idempotency;
use domain::kernel::timestamp::{DAY_MS, Timestamp};
use domain::people::invitation::{Invitation, InvitationState};

use crate::company::audit::add_entry;
use crate::company::quota::QuotaName;
use crate::table::item::{expire, number};
use crate::table::kinds::{INVITATION, INVITATION_CODE};
use crate::table::read::{Order, Search};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Page, Store, keys};

/// How long the code of an expired invitation is kept to explain itself.
const CODE_KEPT_MS: i64 = 30 * DAY_MS;

/// One more use of an invitation that is open.
pub(crate) fn use_once(now: Timestamp) -> UpdateBuilder {
    Update::builder()
        .update_expression("SET used = used + :one")
        .condition_expression("revoked = :no AND used < uses AND expires_ms > :now")
        .expression_attribute_values(":one", number(1))
        .expression_attribute_values(":no", AttributeValue::Bool(false))
        .expression_attribute_values(":now", number(now.millis()))
}

impl Store {
    /// Makes an invitation, with its code and the seats held for it.
    ///
    /// # Errors
    /// [`Failure::Exhausted`] `seats`; [`Failure::KeyReused`] when the request's key
    /// stands for another request.
    pub async fn create_invitation(
        &self,
        company: Company,
        new: Invitation,
        code_hash: &str,
        audit: &AuditEntry,
        request: &Idempotency,
    ) -> Result<Invitation, Failure> {
        let key = keys::idempotency(company, &request.key);
        let item = INVITATION.encode(&keys::invitation(company, new.id), &new)?;
        let mut code = INVITATION_CODE.encode(&keys::invitation_code(company, code_hash), &new.offer())?;
        expire(&mut code, new.expires_at.plus_millis(CODE_KEPT_MS));
        let seats = self.quota_ref(company, QuotaName::Seats);
        let (id, uses, expires_at) = (new.id.to_string(), i64::from(new.uses), new.expires_at);
        self.create_once(company, &key, request, audit.at, new, |transaction| {
            transaction.create(&self.table, item, Failure::Exists(Thing::Invitation));
            transaction.create(&self.table, code, Failure::Exists(Thing::Invitation));
            seats.hold(transaction, &id, uses, expires_at)?;
            seats.shift(transaction, Move::Reserve(uses));
            add_entry(transaction, &self.table, company, audit)
        })
        .await
    }

    /// An invitation.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn invitation(&self, company: Company, invitation: InvitationId) -> Result<Invitation, Failure> {
        self.get_latest(company, &keys::invitation(company, invitation), INVITATION).await?.ok_or(Failure::NotFound)
    }

    /// Revokes an open invitation and frees the seats that are still held for it.
    ///
    /// # Errors
    /// [`Failure::Busy`] when it has changed since it was read.
    pub async fn revoke_invitation(
        &self,
        company: Company,
        read: &Invitation,
        audit: &AuditEntry,
    ) -> Result<(), Failure> {
        let update = Update::builder()
            .update_expression("SET revoked = :yes")
            .condition_expression("revoked = :no AND used = :read")
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .expression_attribute_values(":read", number(read.used));
        let mut transaction = Transaction::default();
        transaction.update(&self.table, &keys::invitation(company, read.id), update, Failure::Busy);
        let seats = self.quota_ref(company, QuotaName::Seats);
        seats.release(&mut transaction, &read.id.to_string(), i64::from(read.left()));
        add_entry(&mut transaction, &self.table, company, audit)?;
        match self.commit(company, transaction).await {
            // Somebody used it, or its seats were swept, since it was read.
            Err(Cancelled::Conditions(_)) => Err(Failure::Busy),
            done => done.map_err(Cancelled::into_failure),
        }
    }

    /// The invitations in this state at `now` as far as they know it themselves, the latest first: one
    /// that has ended is open. A filter looks through as many as one call reads, so a page may be
    /// short and not the last.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn list_invitations(
        &self,
        company: Company,
        (state, now): (Option<InvitationState>, Timestamp),
        after: Option<InvitationId>,
        limit: u32,
    ) -> Result<Page<Invitation, InvitationId>, Failure> {
        let partition = keys::invitations(company);
        let start = after.map(|invitation| keys::invitation(company, invitation));
        let search = Search { kind: INVITATION, partition: &partition, start, order: Order::NewestFirst, limit };
        let state = state.map(|state| if state == InvitationState::Ended { InvitationState::Open } else { state });
        let passes = state.map(|state| move |invitation: &Invitation| invitation.state(now) == state);
        self.search(search, passes, |invitation| invitation.id).await
    }
}
