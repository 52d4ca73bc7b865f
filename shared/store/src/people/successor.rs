//! Successors: where the cards of inactive members lead.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Update};
use domain::card::{OwnerInactive, Successor};
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, MemberId};
use domain::people::member::Member;
use serde::Serialize;

use crate::company::audit::add_entry;
use crate::people::member::{MemberChange, as_read};
use crate::table::batch_get::ReadMode;
use crate::table::item::text;
use crate::table::kinds::{CARD, MEMBER};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

impl Store {
    /// A member and, if asked for, another one: `None` when there is no such other.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when the first is missing.
    pub async fn member_and_other(
        &self,
        company: Company,
        member: MemberId,
        other: Option<MemberId>,
    ) -> Result<(Member, Option<Member>), Failure> {
        let mut wanted = vec![keys::member(company, member)];
        wanted.extend(other.filter(|other| *other != member).map(|other| keys::member(company, other)));
        let items = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        let members = items.into_iter().map(|item| MEMBER.decode(item)).collect::<Result<Vec<Member>, _>>()?;
        let find = |id| members.iter().find(|member| member.id == id).cloned();
        Ok((find(member).ok_or(Failure::NotFound)?, other.and_then(find)))
    }

    /// Sets or removes the successor of a member who is gone, on the member's card too.
    ///
    /// # Errors
    /// [`Failure::VersionConflict`] when either of them has changed since they were read.
    pub async fn set_successor(
        &self,
        company: Company,
        change: MemberChange<'_>,
        (card, successor): (CardId, Option<(MemberId, Successor)>),
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        self.add_successor(&mut transaction, company, change.read, (card, successor))?;
        add_entry(&mut transaction, &self.table, company, change.audit)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// Adds the successor of a member who is gone to a transaction, on condition that both stand as they were
    /// read.
    pub(crate) fn add_successor(
        &self,
        transaction: &mut Transaction,
        company: Company,
        read: &Member,
        (card, successor): (CardId, Option<(MemberId, Successor)>),
    ) -> Result<(), Failure> {
        let update = match &successor {
            Some((member, _)) => Update::builder()
                .update_expression("SET successor = :successor")
                .expression_attribute_values(":successor", text(member.to_string())),
            None => Update::builder().update_expression("REMOVE successor"),
        };
        let update = as_read(update, read);
        transaction.update(&self.table, &keys::member(company, read.id), update, Failure::VersionConflict);
        if let Some((member, successor)) = &successor {
            let here = ConditionCheck::builder()
                .condition_expression("attribute_exists(person) AND attribute_not_exists(ended) AND card = :card")
                .expression_attribute_values(":card", text(successor.card.to_string()));
            transaction.check(&self.table, &keys::member(company, *member), here, Failure::VersionConflict);
        }
        let gone = OwnerInactive { successor: successor.map(|(_, successor)| successor) };
        let led = Update::builder()
            .update_expression("SET owner_gone = :gone")
            .condition_expression("attribute_exists(id)")
            .expression_attribute_values(":gone", map(&gone)?);
        transaction.update(&self.table, &keys::card(company, card), led, Failure::VersionConflict);
        Ok(())
    }
}

fn map<T: Serialize>(value: &T) -> Result<AttributeValue, Failure> {
    serde_dynamo::to_attribute_value(value).map_err(|error| CARD.corrupt(error))
}
