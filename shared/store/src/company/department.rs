//! Departments: one item holds the tree of a company; each member names their department.

use std::collections::BTreeMap;

use domain::company::Company;
use domain::company::audit::AuditEntry;
use domain::company::department::{Department, DepartmentPath, DepartmentTree};
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, DepartmentId, MemberId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::text::ShareCode;
use domain::kernel::timestamp::Timestamp;
use domain::people::member::Member;
use serde::{Deserialize, Serialize};

use crate::company::assignment::{put_into, stays_in};
use crate::company::audit::add_entry;
use crate::keys::Key;
use crate::people::member::MemberChange;
use crate::table::batch_get::ReadMode;
use crate::table::idempotency::replayed;
use crate::table::item::{Item, LAYOUT, TYPE, text};
use crate::table::kinds::{CARD, MEMBER, SHARE, TREE};
use crate::table::transaction::{Cancelled, Transaction, at_version};
use crate::{Store, keys};

/// The attribute of the tree that holds the living departments by their ids.
const LIVING: &str = "departments";

/// The attributes that locate cards: the department of each, and the tree.
const PLACES: &[&str] = &[TYPE, LAYOUT, "department", LIVING, "removed", "version"];

/// The department of a card.
#[derive(Debug, Deserialize)]
pub(crate) struct Placed {
    #[serde(default)]
    pub(crate) department: Option<DepartmentId>,
}

/// A new department: the result of the request that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepartmentAdded {
    /// Its id.
    pub id: DepartmentId,
    /// Its name and place.
    #[serde(flatten)]
    pub department: Department,
    /// The first version of the tree that has it.
    pub version: u64,
}

impl Store {
    /// A company's departments, as of the last write.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn departments(&self, company: Company) -> Result<DepartmentTree, Failure> {
        Ok(self.get_latest(company, &keys::departments(company), TREE).await?.unwrap_or_default())
    }

    /// The departments, and the result of the same request, if it came before.
    ///
    /// # Errors
    /// [`Failure::KeyReused`] when the request's key stands for another request.
    pub async fn departments_for(
        &self,
        company: Company,
        request: &Idempotency,
        now: Timestamp,
    ) -> Result<(DepartmentTree, Option<DepartmentAdded>), Failure> {
        let wanted = [keys::departments(company), keys::idempotency(company, &request.key)];
        let mut items = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        let tree = tree_of(take(&mut items, &wanted[0]))?;
        let before = take(&mut items, &wanted[1]).map(|first| replayed(first, request, now)).transpose()?;
        Ok((tree, before.flatten()))
    }

    /// Stores the tree with a new department, once per request. Returns `added`, or the first
    /// request's result.
    ///
    /// # Errors
    /// [`Failure::Busy`] when the tree has changed since it was read, [`Failure::KeyReused`] when
    /// the request's key stands for another request.
    pub async fn add_department(
        &self,
        company: Company,
        after: &DepartmentTree,
        added: DepartmentAdded,
        audit: &AuditEntry,
        request: &Idempotency,
    ) -> Result<DepartmentAdded, Failure> {
        let key = keys::idempotency(company, &request.key);
        self.create_once(company, &key, request, audit.at, added, |transaction| {
            self.put_tree(transaction, company, after, Failure::Busy)?;
            add_entry(transaction, &self.table, company, audit)
        })
        .await
    }

    /// Stores the tree after a change.
    ///
    /// # Errors
    /// [`Failure::VersionConflict`] when the tree has changed since it was read.
    pub async fn change_departments(
        &self,
        company: Company,
        after: &DepartmentTree,
        audit: &AuditEntry,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        self.put_tree(&mut transaction, company, after, Failure::VersionConflict)?;
        add_entry(&mut transaction, &self.table, company, audit)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// A member and the company's departments, as of the last write.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such member.
    pub async fn member_and_departments(
        &self,
        company: Company,
        member: MemberId,
    ) -> Result<(Member, DepartmentTree), Failure> {
        let wanted = [keys::member(company, member), keys::departments(company)];
        let mut items = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        let member = MEMBER.decode(take(&mut items, &wanted[0]).ok_or(Failure::NotFound)?)?;
        Ok((member, tree_of(take(&mut items, &wanted[1]))?))
    }

    /// The cards that exist, each with the departments it is in, and the share codes that exist; at
    /// most 98 of both. One call.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn places_of_cards(
        &self,
        company: Company,
        cards: &[CardId],
        codes: &[ShareCode],
    ) -> Result<(BTreeMap<CardId, DepartmentPath>, Vec<ShareCode>), Failure> {
        let tree = (!cards.is_empty()).then(|| keys::departments(company));
        let codes = codes.iter().map(|code| keys::share(company, code));
        let cards = cards.iter().map(|card| keys::card(company, *card));
        let wanted: Vec<_> = cards.chain(tree.clone()).chain(codes).collect();
        let mut items = self.batch_get(company, &wanted, ReadMode::Only(PLACES)).await?;
        let tree = tree_of(tree.and_then(|tree| take(&mut items, &tree)))?;
        let (mut places, mut shares) = (BTreeMap::new(), Vec::new());
        for item in items {
            let key = Key::of(&item).ok_or_else(|| CARD.corrupt("key"))?;
            if SHARE.is_of(&item) {
                shares.push(keys::share_of(&key).ok_or_else(|| SHARE.corrupt("key"))?);
                continue;
            }
            let card = keys::card_of(&key).ok_or_else(|| CARD.corrupt("key"))?;
            let placed: Placed = CARD.decode(item)?;
            places.insert(card, tree.path_of(placed.department));
        }
        Ok((places, shares))
    }

    /// Puts a member into a department that the tree still has, or out of any; on their card too.
    ///
    /// # Errors
    /// [`Failure::Busy`] when the department was removed, or the member put elsewhere or given a
    /// card or another role, since they were read.
    pub async fn set_member_department(
        &self,
        company: Company,
        change: MemberChange<'_>,
        department: Option<DepartmentId>,
    ) -> Result<(), Failure> {
        let MemberChange { read, audit } = change;
        let mut transaction = Transaction::default();
        if let Some(id) = department {
            transaction.has(&self.table, &keys::departments(company), LIVING, &id.to_string(), Failure::Busy);
        }
        let card = match read.card {
            Some(_) => "attribute_exists(card)",
            None => "attribute_not_exists(card)",
        };
        let (unchanged, was) = stays_in(read.department);
        let update = put_into(department)
            .condition_expression(format!("#role = :role AND {card} AND {unchanged}"))
            .expression_attribute_names("#role", "role")
            .expression_attribute_values(":role", text(read.role.name()));
        let update = match was {
            Some(was) => update.expression_attribute_values(":was", was),
            None => update,
        };
        transaction.update(&self.table, &keys::member(company, read.id), update, Failure::Busy);
        if let Some(card) = read.card {
            let update = put_into(department).condition_expression("attribute_exists(id)");
            transaction.update(&self.table, &keys::card(company, card), update, Failure::Busy);
        }
        add_entry(&mut transaction, &self.table, company, audit)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    fn put_tree(
        &self,
        transaction: &mut Transaction,
        company: Company,
        after: &DepartmentTree,
        refused: Failure,
    ) -> Result<(), Failure> {
        let (condition, values) = at_version(after.version.saturating_sub(1));
        let item = TREE.encode(&keys::departments(company), after)?;
        transaction.put(&self.table, item, condition, values, refused);
        Ok(())
    }
}

pub(crate) fn tree_of(item: Option<Item>) -> Result<DepartmentTree, Failure> {
    item.map(|item| TREE.decode(item)).transpose().map(Option::unwrap_or_default)
}

/// Takes the item with a key out of others.
pub(crate) fn take(items: &mut Vec<Item>, key: &Key) -> Option<Item> {
    let position = items.iter().position(|item| Key::of(item).as_ref() == Some(key));
    position.map(|position| items.swap_remove(position))
}
