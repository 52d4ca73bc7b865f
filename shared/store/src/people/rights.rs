//! The count of changes of what a member may do: tokens name it, and those of before end. What only
//! adds to it (a first card, a radar that is turned on) ends none: a token without it may do less.

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{ConditionCheck, Update};
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::MemberId;
use domain::kernel::timestamp::Timestamp;
use domain::people::authority::MemberAct;
use domain::people::member::{Member, Role};

use crate::keys;
use crate::table::item::{number, text};
use crate::table::transaction::Transaction;

/// An update of a member that also ends the tokens of before. Its expression must be set already,
/// and have no `ADD`.
pub(crate) fn change_rights(update: UpdateBuilder) -> UpdateBuilder {
    let expression = update.get_update_expression().clone().unwrap_or_default();
    update
        .update_expression(format!("{expression} ADD rights :one_more").trim_start())
        .expression_attribute_values(":one_more", number(1))
}

/// Adds to a transaction that the tokens of a member end who still has the role that was read, when
/// what they may do is stored elsewhere.
pub(crate) fn end_tokens(transaction: &mut Transaction, table: &str, company: Company, read: &Member) {
    let update = change_rights(Update::builder())
        .condition_expression("#role = :role")
        .expression_attribute_names("#role", "role")
        .expression_attribute_values(":role", text(read.role.name()));
    transaction.update(table, &keys::member(company, read.id), update, Failure::Busy);
}

/// Adds to a transaction that a member still has the role that was read: it decided who may change
/// them.
pub(crate) fn check_role(transaction: &mut Transaction, table: &str, company: Company, read: &Member) {
    let check = ConditionCheck::builder()
        .condition_expression("#role = :role")
        .expression_attribute_names("#role", "role")
        .expression_attribute_values(":role", text(read.role.name()));
    transaction.check(table, &keys::member(company, read.id), check, Failure::Busy);
}

/// Adds to a transaction that a member may do something to somebody of this role, and could all the time
/// since they made what lets them in.
pub(crate) fn check_backer(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    Backed { by, act, to, made_at }: Backed,
    refused: Failure,
) {
    let roles = act.allowed_to(to);
    let names: Vec<_> = roles.iter().map(|role| format!(":{}", role.name())).collect();
    let values = names.iter().cloned().zip(roles.iter().map(|role| text(role.name())));
    let active =
        format!("attribute_exists(person) AND attribute_not_exists(ended) AND #role IN ({})", names.join(", "));
    let mut check = ConditionCheck::builder()
        .expression_attribute_names("#role", "role")
        .set_expression_attribute_values(Some(values.collect()));
    check = match since_attribute(act.least_role(to)) {
        None => check.condition_expression(active),
        Some(since) => check
            .condition_expression(format!("{active} AND (attribute_not_exists({since}) OR {since} <= :made_at)"))
            .expression_attribute_values(":made_at", number(made_at.millis())),
    };
    transaction.check(table, &keys::member(company, by), check, refused);
}

/// What a member backs: somebody who is let in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backed {
    /// The member.
    pub(crate) by: MemberId,
    /// What they do by it.
    pub(crate) act: MemberAct,
    /// The role of who is let in.
    pub(crate) to: Role,
    /// When they made the invitation or the code.
    pub(crate) made_at: Timestamp,
}

/// The attribute that says since when a member has had the rights of a role.
fn since_attribute(role: Option<Role>) -> Option<&'static str> {
    match role? {
        Role::Staff => None,
        Role::Admin => Some("admin_since_ms"),
        Role::Boss => Some("boss_since_ms"),
    }
}

/// Assignments for an update that gives a member the rights of these roles, which they did not have a
/// moment ago: `:since` is now. Empty for rights that are not kept.
pub(crate) fn rights_begin(roles: impl IntoIterator<Item = Role>) -> Vec<String> {
    let since = roles.into_iter().filter_map(|role| since_attribute(Some(role)));
    since.map(|since| format!("{since} = :since")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_added_behind_what_the_update_does() {
        let update = change_rights(Update::builder().update_expression("SET ended = :ended"));
        assert_eq!(update.get_update_expression().as_deref(), Some("SET ended = :ended ADD rights :one_more"));
        let alone = change_rights(Update::builder());
        assert_eq!(alone.get_update_expression().as_deref(), Some("ADD rights :one_more"));
    }
}
