//! Activations of radars: an item per member, each write on condition of the version read.

use aws_sdk_dynamodb::types::Update;
use domain::company::Company;
use domain::company::audit::AuditEntry;
use domain::kernel::failure::Failure;
use domain::kernel::id::MemberId;
use domain::kernel::idempotency::Idempotency;
use domain::kernel::timestamp::Timestamp;
use domain::people::activation::Activation;
use domain::people::member::Member;
use serde::{Deserialize, Serialize};

use crate::company::audit::add_entry;
use crate::keys::Key;
use crate::people::rights::{check_role, end_tokens};
use crate::table::batch_get::ReadMode;
use crate::table::idempotency::replayed;
use crate::table::item::{Item, number};
use crate::table::kinds::{ACTIVATION, MEMBER};
use crate::table::read::Order;
use crate::table::transaction::{Cancelled, Transaction, at_version};
use crate::{Page, Store, keys};

/// A member with their activation, and the first result if the request is a retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RadarOf {
    /// The member.
    pub member: Member,
    /// Their activation.
    pub activation: Activation,
    /// The result of the same request, if it came before.
    pub before: Option<CodeSent>,
}

/// A new code: the result of the request that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeSent {
    /// The code's nonce; empty when there is no way to send one.
    pub nonce: String,
    /// When it was sent.
    #[serde(with = "domain::kernel::timestamp::as_millis")]
    pub at: Timestamp,
}

impl Store {
    /// A member and their activation, as of the last write.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such member, [`Failure::KeyReused`] when the
    /// request's key stands for another request.
    pub async fn radar_of(
        &self,
        company: Company,
        member: MemberId,
        request: Option<(&Idempotency, Timestamp)>,
    ) -> Result<RadarOf, Failure> {
        let mut wanted = vec![keys::member(company, member), keys::activation(company, member)];
        wanted.extend(request.map(|(request, _)| keys::idempotency(company, &request.key)));
        let mut items = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        let mut take = |key: &Key| {
            let position = items.iter().position(|item| Key::of(item).as_ref() == Some(key));
            position.map(|position| items.swap_remove(position))
        };
        let found = MEMBER.decode(take(&wanted[0]).ok_or(Failure::NotFound)?)?;
        let activation = decode(take(&wanted[1]), member)?;
        let before = match (request, wanted.get(2).and_then(take)) {
            (Some((request, now)), Some(first)) => replayed(first, request, now)?,
            _ => None,
        };
        Ok(RadarOf { member: found, activation, before })
    }

    /// The activation of a member, as of the last write.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn activation(&self, company: Company, member: MemberId) -> Result<Activation, Failure> {
        let items = self.batch_get(company, &[keys::activation(company, member)], ReadMode::Consistent).await?;
        decode(items.into_iter().next(), member)
    }

    /// Stores an activation after a step of its member, if the stored one is at the version before.
    ///
    /// # Errors
    /// [`Failure::Busy`] when it is not at that version any more.
    pub async fn change_activation(&self, company: Company, after: &Activation) -> Result<(), Failure> {
        // A transaction, though of one item: when its answer is lost, the SDK's next attempt
        // learns that it is done. A put would meet its own first write, and reject the try of a
        // code twice.
        let mut transaction = Transaction::default();
        self.put_activation(&mut transaction, company, after)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// The same together with the audit entry: an admin's change, of a member who still has the role
    /// that was read. A change that switches the radar off ends the member's tokens, which say that
    /// it is on.
    ///
    /// # Errors
    /// [`Failure::Busy`] when it is not at that version any more, or the role has changed.
    pub async fn change_activation_of(
        &self,
        company: Company,
        member: &Member,
        (before, after): (&Activation, &Activation),
        audit: &AuditEntry,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        self.put_activation(&mut transaction, company, after)?;
        if before.has_joined() && !after.has_joined() {
            end_tokens(&mut transaction, &self.table, company, member);
        } else {
            check_role(&mut transaction, &self.table, company, member);
        }
        add_entry(&mut transaction, &self.table, company, audit)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// Stores an activation together with the record of the request for a new code. Returns
    /// `result`, or the first one when the request is a retry.
    ///
    /// # Errors
    /// [`Failure::Busy`] when the activation is not at that version any more,
    /// [`Failure::KeyReused`] when the request's key stands for another request.
    pub async fn replace_code(
        &self,
        company: Company,
        (member, after): (&Member, &Activation),
        result: CodeSent,
        request: &Idempotency,
        audit: &AuditEntry,
    ) -> Result<CodeSent, Failure> {
        let key = keys::idempotency(company, &request.key);
        self.create_once(company, &key, request, audit.at, result, |transaction| {
            self.put_activation(transaction, company, after)?;
            check_role(transaction, &self.table, company, member);
            add_entry(transaction, &self.table, company, audit)
        })
        .await
    }

    /// Removes a code that could not be sent, and lets the request be made again.
    ///
    /// # Errors
    /// [`Failure::Busy`] when the activation is not at that version any more.
    pub async fn take_code_back(
        &self,
        company: Company,
        after: &Activation,
        request: &Idempotency,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        self.put_activation(&mut transaction, company, after)?;
        // An expired record is as good as none.
        let forget = Update::builder()
            .update_expression("SET expires_at = :never")
            .condition_expression("attribute_exists(fingerprint)")
            .expression_attribute_values(":never", number(0));
        transaction.update(&self.table, &keys::idempotency(company, &request.key), forget, Failure::Busy);
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// The activations of a company, in the order the members were added. Members for whom
    /// nothing has happened yet have none.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn list_activations(
        &self,
        company: Company,
        after: Option<MemberId>,
        limit: u32,
    ) -> Result<Page<Activation, MemberId>, Failure> {
        let start = after.map(|member| keys::activation(company, member));
        let page = self.query(&keys::activations(company), start, limit, Order::OldestFirst).await?;
        let items =
            page.items.into_iter().map(|item| ACTIVATION.decode(item)).collect::<Result<Vec<Activation>, _>>()?;
        let next = page.next.and_then(|_| items.last().map(|activation| activation.member));
        Ok(Page { items, next })
    }

    fn put_activation(
        &self,
        transaction: &mut Transaction,
        company: Company,
        after: &Activation,
    ) -> Result<(), Failure> {
        let item = ACTIVATION.encode(&keys::activation(company, after.member), after)?;
        let (condition, values) = at_version(after.version.saturating_sub(1));
        transaction.put(&self.table, item, condition, values, Failure::Busy);
        Ok(())
    }
}

fn decode(item: Option<Item>, member: MemberId) -> Result<Activation, Failure> {
    item.map_or_else(|| Ok(Activation::none(member)), |item| ACTIVATION.decode(item))
}
