//! Cards.

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Update};
use domain::card::media::CardMedia;
use domain::card::{Card, Contact, Identity};
use domain::company::Company;
use domain::company::audit::AuditEntry;
use domain::kernel::id::CardId;
use domain::kernel::idempotency::Idempotency;
use domain::kernel::timestamp::Timestamp;
use domain::people::member::{Member, Role};
use serde::Serialize;

use crate::company::audit::add_entry;
use crate::company::department::stays_in;
use crate::table::batch_get::{KEYS_MAX, ReadMode};
use crate::table::item::{LAYOUT, number, text};
use crate::table::kinds::CARD;
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};
use domain::kernel::failure::{Failure, Thing};

/// A change of a card as it was read.
#[derive(Debug, Clone, Copy)]
pub struct CardChange<'a> {
    /// The card before the change.
    pub read: &'a Card,
    /// The entry of the audit log, when somebody else than the owner makes the change.
    pub audit: Option<&'a AuditEntry>,
    /// When it is made.
    pub now: Timestamp,
}

impl CardChange<'_> {
    /// The card after the change, but for what is changed.
    fn after(&self) -> Card {
        Card { version: self.read.version.saturating_add(1), updated_at: self.now, ..self.read.clone() }
    }
}

impl Store {
    /// A card.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn card(&self, company: Company, card: CardId) -> Result<Card, Failure> {
        self.get(company, &keys::card(company, card), CARD).await?.ok_or(Failure::NotFound)
    }

    /// The cards that exist, of the first 99 that are wanted, in the order asked for.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn cards(&self, company: Company, wanted: &[CardId]) -> Result<Vec<Card>, Failure> {
        let wanted: Vec<_> = wanted.iter().take(KEYS_MAX).copied().collect();
        let keys: Vec<_> = wanted.iter().map(|card| keys::card(company, *card)).collect();
        let items = self.batch_get(company, &keys, ReadMode::Eventual).await?;
        let mut cards: Vec<Card> = items.into_iter().map(|item| CARD.decode(item)).collect::<Result<_, _>>()?;
        cards.sort_by_key(|card| wanted.iter().position(|id| *id == card.id));
        Ok(cards)
    }

    /// Which of these cards, at most 99, exist.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn existing_cards(&self, company: Company, wanted: &[CardId]) -> Result<Vec<CardId>, Failure> {
        let keys: Vec<_> = wanted.iter().map(|card| keys::card(company, *card)).collect();
        let items = self.batch_get(company, &keys, ReadMode::Only(&[])).await?;
        Ok(items.iter().filter_map(|item| keys::card_of(&keys::Key::of(item)?)).collect())
    }

    /// Creates the card of a member who has none, in their department.
    ///
    /// # Errors
    /// [`Failure::Exists`] `card` when they have one, [`Failure::Busy`] when they were given one,
    /// put elsewhere or renamed since they were read.
    pub async fn create_card(
        &self,
        company: Company,
        card: Card,
        read: &Member,
        request: &Idempotency,
    ) -> Result<Card, Failure> {
        let (unchanged, was) = stays_in(read.department);
        let item = CARD.encode(&keys::card(company, card.id), &card)?;
        // The member must not leave or come back meanwhile: the card shows whether they are here.
        let stands = if card.owner_gone.is_some() { "attribute_exists(ended)" } else { "attribute_not_exists(ended)" };
        let assigned = Update::builder()
            .update_expression("SET card = :card")
            .condition_expression(format!(
                "attribute_exists(id) AND attribute_not_exists(card) AND {stands} AND {unchanged} AND #name = :name AND #position = :position"
            ))
            .expression_attribute_names("#name", "name")
            .expression_attribute_names("#position", "position")
            .expression_attribute_values(":name", text(card.identity.name.as_str()))
            .expression_attribute_values(":position", text(card.identity.position.as_str()))
            .expression_attribute_values(":card", text(card.id.to_string()));
        let assigned = match was {
            Some(was) => assigned.expression_attribute_values(":was", was),
            None => assigned,
        };
        let refused = if read.card.is_some() { Failure::Exists(Thing::Card) } else { Failure::Busy };
        let member = keys::member(company, read.id);
        let key = keys::idempotency(company, &request.key);
        let now = card.updated_at;
        self.create_once(company, &key, request, now, card, |transaction| {
            transaction.create(&self.table, item, Failure::Exists(Thing::Card));
            transaction.update(&self.table, &member, assigned, refused);
            Ok(())
        })
        .await
    }

    /// Changes what the owner may change.
    ///
    /// # Errors
    /// [`Failure::VersionConflict`] when the card is not as it was read any more.
    pub async fn edit_contact(
        &self,
        company: Company,
        change: CardChange<'_>,
        contact: Contact,
    ) -> Result<Card, Failure> {
        let changed = changed(&change, "contact", map(&contact)?);
        self.edit(company, &change, changed, |_| Ok(())).await?;
        Ok(Card { contact, ..change.after() })
    }

    /// Changes what only an admin may change, on the card and on its member, who has one of these
    /// roles.
    ///
    /// # Errors
    /// [`Failure::VersionConflict`] when the card is not as it was read any more,
    /// [`Failure::RoleRequired`] when the member has another role.
    pub async fn edit_identity(
        &self,
        company: Company,
        change: CardChange<'_>,
        identity: Identity,
        roles: &[Role],
    ) -> Result<Card, Failure> {
        let changed = changed(&change, "identity", map(&identity)?);
        let names: Vec<_> = roles.iter().map(|role| format!(":{}", role.name())).collect();
        let values = names.iter().cloned().zip(roles.iter().map(|role| text(role.name())));
        let renamed = Update::builder()
            .update_expression("SET #name = :name, #position = :position")
            .condition_expression(format!("#role IN ({})", names.join(", ")))
            .set_expression_attribute_values(Some(values.collect()))
            .expression_attribute_names("#role", "role")
            .expression_attribute_names("#name", "name")
            .expression_attribute_names("#position", "position")
            .expression_attribute_values(":name", text(identity.name.as_str()))
            .expression_attribute_values(":position", text(identity.position.as_str()));
        let member = keys::member(company, change.read.member);
        self.edit(company, &change, changed, |transaction| {
            transaction.update(&self.table, &member, renamed, Failure::RoleRequired);
            Ok(())
        })
        .await?;
        Ok(Card { identity, ..change.after() })
    }

    /// Commits a change of a card's media with what `rest` adds.
    pub(crate) async fn edit_media_of_card(
        &self,
        company: Company,
        change: &CardChange<'_>,
        media: CardMedia,
        rest: impl FnOnce(&mut Transaction) -> Result<(), Failure>,
    ) -> Result<Card, Failure> {
        let changed = changed(change, "media", map(&media)?);
        self.edit(company, change, changed, rest).await?;
        Ok(Card { media, ..change.after() })
    }

    /// Commits a change of a card with what `rest` adds and the audit entry.
    async fn edit(
        &self,
        company: Company,
        change: &CardChange<'_>,
        changed: UpdateBuilder,
        rest: impl FnOnce(&mut Transaction) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        transaction.update(&self.table, &keys::card(company, change.read.id), changed, Failure::VersionConflict);
        rest(&mut transaction)?;
        if let Some(entry) = change.audit {
            add_entry(&mut transaction, &self.table, company, entry)?;
        }
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }
}

/// Sets one attribute of a card, its version and time, if it is as it was read.
fn changed(change: &CardChange<'_>, name: &str, value: AttributeValue) -> UpdateBuilder {
    let after = change.after();
    Update::builder()
        .update_expression("SET #changed = :changed, version = :next, updated_at = :now, #layout = :layout")
        .condition_expression("attribute_exists(id) AND version = :read")
        .expression_attribute_names("#changed", name)
        .expression_attribute_names("#layout", LAYOUT)
        .expression_attribute_values(":changed", value)
        .expression_attribute_values(":layout", number(CARD.layout))
        .expression_attribute_values(":next", number(after.version))
        .expression_attribute_values(":read", number(change.read.version))
        .expression_attribute_values(":now", number(change.now.millis()))
}

fn map<T: Serialize>(value: &T) -> Result<AttributeValue, Failure> {
    serde_dynamo::to_attribute_value(value).map_err(|error| CARD.corrupt(error))
}

#[cfg(test)]
mod tests {
    use domain::card::Style;

    use super::*;
    use crate::table::item::Item;

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
