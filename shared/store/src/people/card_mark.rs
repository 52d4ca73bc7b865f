//! The mark on a card whose owner was disabled or has left.

use aws_sdk_dynamodb::types::{AttributeValue, Update};
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::CardId;
use domain::people::member::Ended;

use crate::keys;
use crate::table::transaction::Transaction;

/// Marks on a card whether its owner is gone. A successor who is named already stays.
pub(crate) fn mark_card(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    card: CardId,
    ended: Option<Ended>,
) {
    let update = match ended {
        Some(_) => Update::builder()
            .update_expression("SET owner_gone = if_not_exists(owner_gone, :gone)")
            .expression_attribute_values(":gone", AttributeValue::M([].into())),
        None => Update::builder().update_expression("REMOVE owner_gone"),
    };
    let update = update.condition_expression("attribute_exists(id)");
    transaction.update(table, &keys::card(company, card), update, Failure::VersionConflict);
}
