//! New claim codes for invited members: the number of the code that counts stands on the
//! member, and the seat is held again.

use aws_sdk_dynamodb::types::Update;
use domain::company::Company;
use domain::company::audit::AuditEntry;
use domain::company::quota::Hold;
use domain::kernel::failure::{Failure, Thing};
use domain::kernel::id::MemberId;
use domain::kernel::idempotency::Idempotency;
use domain::kernel::timestamp::Timestamp;
use domain::people::member::Member;
use serde::{Deserialize, Serialize};

use crate::company::audit::add_entry;
use crate::company::quota::QuotaName;
use crate::keys::Key;
use crate::people::member::{as_read, create_claim};
use crate::table::batch_get::ReadMode;
use crate::table::idempotency::replayed;
use crate::table::item::{Item, number};
use crate::table::kinds::{HOLD, MEMBER};
use crate::{Store, keys};

/// A member who may get a new code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimCodeOf {
    /// The member.
    pub member: Member,
    /// What is held for them.
    pub hold: Option<Hold>,
    /// The result of the same request, if it came before.
    pub before: Option<ClaimCodeIssued>,
}

/// A new claim code: the result of the request that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimCodeIssued {
    /// The member, with the number of the code.
    pub member: Member,
    /// Until when the code can be used.
    #[serde(with = "domain::kernel::timestamp::as_millis")]
    pub expires_at: Timestamp,
}

impl Store {
    /// A member, what is held for them, and the first result if the request is a retry.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such member, [`Failure::KeyReused`] when the
    /// request's key stands for another request.
    pub async fn claim_code_of(
        &self,
        company: Company,
        member: MemberId,
        request: &Idempotency,
        now: Timestamp,
    ) -> Result<ClaimCodeOf, Failure> {
        let wanted = [
            keys::member(company, member),
            keys::hold(company, QuotaName::Seats.key(), &member.to_string()),
            keys::idempotency(company, &request.key),
        ];
        let mut items = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        let mut take = |key: &Key| -> Option<Item> {
            let position = items.iter().position(|item| Key::of(item).as_ref() == Some(key));
            position.map(|position| items.swap_remove(position))
        };
        let member = MEMBER.decode(take(&wanted[0]).ok_or(Failure::NotFound)?)?;
        let hold = take(&wanted[1]).map(|item| HOLD.decode(item)).transpose()?;
        let before = take(&wanted[2]).map(|first| replayed(first, request, now)).transpose()?.flatten();
        Ok(ClaimCodeOf { member, hold, before })
    }

    /// Makes another code of an invited member the one that counts, and holds their seat until it
    /// expires. `issued` is the member with the number of the new code; the old code no longer
    /// works.
    ///
    /// # Errors
    /// [`Failure::Exhausted`] `seats` when theirs was freed and none is left;
    /// [`Failure::VersionConflict`] when they have changed since they were read.
    pub async fn issue_claim_code(
        &self,
        company: Company,
        read: &ClaimCodeOf,
        (issued, code_hash): (ClaimCodeIssued, &str),
        audit: &AuditEntry,
        request: &Idempotency,
    ) -> Result<ClaimCodeIssued, Failure> {
        let update = Update::builder()
            .update_expression("SET claim_number = :next")
            .expression_attribute_values(":next", number(issued.member.claim_number));
        let update = as_read(update, &read.member);
        let key = keys::idempotency(company, &request.key);
        let seats = self.quota_ref(company, QuotaName::Seats);
        let ClaimCodeIssued { member, expires_at } = issued.clone();
        self.create_once(company, &key, request, audit.at, issued, |transaction| {
            transaction.update(&self.table, &keys::member(company, member.id), update, Failure::VersionConflict);
            create_claim(transaction, seats, &member, code_hash, (audit.at, expires_at))?;
            seats.renew(transaction, &member.id.to_string(), read.hold, 1, expires_at)?;
            add_entry(transaction, &self.table, company, audit)
        })
        .await
        // Another request has issued the code of this number.
        .map_err(|failure| if failure == Failure::Exists(Thing::Claim) { Failure::VersionConflict } else { failure })
    }
}
