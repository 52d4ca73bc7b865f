//! Marks that a person's place in the shortlists is to be looked at: whoever changes what
//! it depends on leaves one in the same transaction, housekeeping takes it away again.

use aws_sdk_dynamodb::types::Update;
use domain::company::Company;
use domain::failure::Failure;
use domain::id::{CardId, PersonId};
use domain::timestamp::Timestamp;

use crate::item::{Kind, LAYOUT, TYPE, number, text};
use crate::keys;
use crate::transaction::Transaction;

const STANDING: Kind = Kind::new("standing", 1);

/// How often a person was marked on a card since his place was looked at last.
const MARKS: &str = "marks";

/// Adds to a transaction that a person's place in the lists of this card and the company
/// is to be looked at, from `now` on. At most once for a person and card in a transaction.
///
/// # Errors
/// [`Failure::Corrupt`] when it cannot be encoded.
pub(crate) fn mark_standing(
    transaction: &mut Transaction,
    table: &str,
    company: Company,
    person: PersonId,
    card: CardId,
    now: Timestamp,
) -> Result<(), Failure> {
    let key = keys::standing(company, person, card);
    let [partition, place] = keys::EXPIRY_ATTRIBUTES;
    let update = Update::builder()
        .update_expression(
            "SET #type = :type, #layout = :layout, #partition = :partition, #place = :place ADD #marks :one",
        )
        .expression_attribute_names("#type", TYPE)
        .expression_attribute_names("#layout", LAYOUT)
        .expression_attribute_names("#partition", partition)
        .expression_attribute_names("#place", place)
        .expression_attribute_names("#marks", MARKS)
        .expression_attribute_values(":type", text(STANDING.name))
        .expression_attribute_values(":layout", number(STANDING.layout))
        .expression_attribute_values(":partition", text(keys::STANDINGS))
        .expression_attribute_values(":place", text(keys::expiry(now.millis(), &key)))
        .expression_attribute_values(":one", number(1));
    transaction.update(table, &key, update, Failure::Busy);
    Ok(())
}
