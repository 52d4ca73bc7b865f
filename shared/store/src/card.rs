//! Cards.

use crate::error::failure;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, Update};
use domain::card::{Card, Contact, Identity};
use domain::company::Company;
use domain::id::CardId;
use domain::idempotency::Idempotency;
use domain::timestamp::Timestamp;
use serde::Serialize;

use crate::batch_get::{KEYS_MAX, Read};
use crate::item::{Kind, LAYOUT, number, text};
use crate::transaction::{Cancelled, Transaction};
use crate::{Store, keys};
use domain::failure::Failure;

/// Layout 2 has tags, style, share phrase, welcome text and shortcuts in its contact.
pub(crate) const CARD: Kind = Kind::new("card", 2);

const SAME_VERSION: &str = "attribute_exists(id) AND version = :read";

impl Store {
    /// A card.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn card(&self, company: Company, card: CardId) -> Result<Card, Failure> {
        self.get(&keys::card(company, card), CARD).await?.ok_or(Failure::NotFound)
    }

    /// Those of the first 100 cards that exist, in the order asked for.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn cards(&self, company: Company, wanted: &[CardId]) -> Result<Vec<Card>, Failure> {
        let wanted: Vec<_> = wanted.iter().take(KEYS_MAX).copied().collect();
        let keys: Vec<_> = wanted.iter().map(|card| keys::card(company, *card)).collect();
        let items = self.batch_get(&keys, Read::Eventual).await?;
        let mut cards: Vec<Card> = items.into_iter().map(|item| CARD.decode(item)).collect::<Result<_, _>>()?;
        cards.sort_by_key(|card| wanted.iter().position(|id| *id == card.id));
        Ok(cards)
    }

    /// Which of these cards, at most 100, exist.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn existing_cards(&self, company: Company, wanted: &[CardId]) -> Result<Vec<CardId>, Failure> {
        let keys: Vec<_> = wanted.iter().map(|card| keys::card(company, *card)).collect();
        let items = self.batch_get(&keys, Read::KeysOnly).await?;
        Ok(items.iter().filter_map(|item| keys::card_of(&keys::Key::of(item)?)).collect())
    }

    /// Creates the card of a member who has none.
    ///
    /// # Errors
    /// [`Failure::Exists`] `card` when he has one.
    pub async fn create_card(
        &self,
        company: Company,
        card: Card,
        request: &Idempotency,
        now: Timestamp,
    ) -> Result<Card, Failure> {
        let item = CARD.encode(&keys::card(company, card.id), &card)?;
        let assigned = Update::builder()
            .update_expression("SET card = :card")
            .condition_expression("attribute_exists(id) AND attribute_not_exists(card)")
            .expression_attribute_values(":card", text(card.id.to_string()));
        let member = keys::member(company, card.member);
        let key = keys::idempotency(company, &request.key);
        self.create_once(&key, request, now, card, |transaction| {
            transaction.create(&self.table, item, Failure::Exists("card"));
            transaction.update(&self.table, &member, assigned, Failure::Exists("card"));
            Ok(())
        })
        .await
    }

    /// Changes what the owner may change.
    ///
    /// # Errors
    /// [`Failure::NotFound`], or [`Failure::VersionConflict`] when the card is
    /// not at `version` any more.
    pub async fn edit_contact(
        &self,
        company: Company,
        card: CardId,
        version: u64,
        contact: &Contact,
        now: Timestamp,
    ) -> Result<Card, Failure> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::card(company, card).attributes()))
            .update_expression("SET contact = :contact, version = :next, updated_at = :now, #layout = :layout")
            .condition_expression(SAME_VERSION)
            .expression_attribute_names("#layout", LAYOUT)
            .expression_attribute_values(":layout", number(CARD.layout))
            .expression_attribute_values(":contact", map(contact)?)
            .expression_attribute_values(":next", number(version.saturating_add(1)))
            .expression_attribute_values(":read", number(version))
            .expression_attribute_values(":now", number(now.millis()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(answer) => CARD.decode(answer.attributes.unwrap_or_default()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => Err(stale(failed.item().is_some())),
                _ => Err(failure(error)),
            },
        }
    }

    /// Changes what only an admin may change, on the card and on its member.
    ///
    /// # Errors
    /// [`Failure::VersionConflict`] when the card is not as it was read.
    pub async fn edit_identity(
        &self,
        company: Company,
        read: Card,
        identity: Identity,
        now: Timestamp,
    ) -> Result<Card, Failure> {
        let mut transaction = Transaction::default();
        let changed = Update::builder()
            .update_expression("SET #identity = :identity, version = :next, updated_at = :now")
            .condition_expression(SAME_VERSION)
            .expression_attribute_names("#identity", "identity")
            .expression_attribute_values(":identity", map(&identity)?)
            .expression_attribute_values(":next", number(read.version.saturating_add(1)))
            .expression_attribute_values(":read", number(read.version))
            .expression_attribute_values(":now", number(now.millis()));
        transaction.update(&self.table, &keys::card(company, read.id), changed, Failure::VersionConflict);
        let renamed = Update::builder()
            .update_expression("SET #name = :name, #position = :position")
            .condition_expression("attribute_exists(id)")
            .expression_attribute_names("#name", "name")
            .expression_attribute_names("#position", "position")
            .expression_attribute_values(":name", text(identity.name.as_str()))
            .expression_attribute_values(":position", text(identity.position.as_str()));
        transaction.update(&self.table, &keys::member(company, read.member), renamed, Failure::NotFound);
        match self.commit(transaction).await {
            Ok(()) => Ok(Card { identity, version: read.version + 1, updated_at: now, ..read }),
            Err(Cancelled::Conditions(_)) => Err(Failure::VersionConflict),
            Err(Cancelled::Store(error)) => Err(error),
        }
    }
}

fn stale(exists: bool) -> Failure {
    if exists { Failure::VersionConflict } else { Failure::NotFound }
}

fn map<T: Serialize>(value: &T) -> Result<AttributeValue, Failure> {
    serde_dynamo::to_attribute_value(value).map_err(|error| CARD.corrupt(error))
}

#[cfg(test)]
mod tests {
    use domain::card::Style;

    use super::*;
    use crate::item::Item;

    #[test]
    fn a_card_of_the_first_layout_is_read() {
        let golden: serde_json::Value = serde_json::from_str(include_str!("card.layout1.json")).unwrap();
        let item: Item = serde_dynamo::to_item(golden).unwrap();
        let card: Card = CARD.decode(item).unwrap();
        assert_eq!((card.version, card.identity.name.as_str()), (4, "林悦"));
        assert_eq!(card.contact.phones.len(), 1);
        assert_eq!((card.contact.style, card.contact.tags.as_slice()), (Style::Classic, &[][..]));
        assert_eq!((card.contact.share_phrase.as_str(), card.contact.welcome_text.as_str()), ("", ""));
    }
}
