//! The count of changes of what a member may do: tokens name it, and those of before end. What only
//! adds to it (a first card, a radar that is turned on) ends none: a token without it may do less.

use aws_sdk_dynamodb::types::Update;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::MemberId;

use crate::keys;
use crate::table::item::number;
use crate::table::transaction::Transaction;

/// An update of a member that also ends the tokens of before. Its expression must be set already,
/// and have no `ADD`.
pub(crate) fn change_rights(update: UpdateBuilder) -> UpdateBuilder {
    let expression = update.get_update_expression().clone().unwrap_or_default();
    update
        .update_expression(format!("{expression} ADD rights :one_more").trim_start())
        .expression_attribute_values(":one_more", number(1))
}

/// Adds to a transaction that the tokens of a member end, when what they may do is stored elsewhere.
pub(crate) fn end_tokens(transaction: &mut Transaction, table: &str, company: Company, member: MemberId) {
    let update = change_rights(Update::builder()).condition_expression("attribute_exists(id)");
    transaction.update(table, &keys::member(company, member), update, Failure::Busy);
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
