//! A card with what is shown beside it, in one call.

use domain::card::Card;
use domain::card::template::CardTemplate;
use domain::company::{Company, CompanyProfile};
use domain::kernel::id::{CardId, MemberId};
use domain::people::member::Member;
use domain::radar::counter::{Counts, Period, Scope};
use serde::de::DeserializeOwned;

use crate::radar::counter::counts_of;
use crate::table::batch_get::ReadMode;
use crate::table::item::{Item, Kind};
use crate::table::kinds::{CARD, COMPANY, COUNTERS, MEMBER, TEMPLATE};
use crate::{Store, keys};
use domain::kernel::failure::Failure;

/// A card, its lifetime counters and the template it is shown under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardView {
    /// The card as it is stored.
    pub card: Card,
    /// Its counters since the beginning.
    pub lifetime: Counts,
    /// The company's template, if it was asked for.
    pub template: Option<CardTemplate>,
}

/// What a new card is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCardContext {
    /// The company.
    pub profile: CompanyProfile,
    /// The member who gets it.
    pub member: Member,
    /// The company's template.
    pub template: CardTemplate,
}

impl Store {
    /// A card with its counters, perhaps a moment old: one read unit. With the template,
    /// which the caller may know already, half a unit more.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn card_view(&self, company: Company, card: CardId, template: bool) -> Result<CardView, Failure> {
        self.view(company, card, template, ReadMode::Eventual).await
    }

    /// A card with its counters and the template as of now, to be edited.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn card_to_edit(&self, company: Company, card: CardId) -> Result<CardView, Failure> {
        self.view(company, card, true, ReadMode::Consistent).await
    }

    /// What a member's new card is made from.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is no such member.
    pub async fn card_founding(&self, company: Company, member: MemberId) -> Result<NewCardContext, Failure> {
        let wanted = [keys::company(company), keys::member(company, member), keys::card_template(company)];
        let mut items = self.batch_get(company, &wanted, ReadMode::Consistent).await?;
        Ok(NewCardContext {
            profile: take(&mut items, COMPANY)?.ok_or(Failure::NotFound)?,
            member: take(&mut items, MEMBER)?.ok_or(Failure::NotFound)?,
            template: take(&mut items, TEMPLATE)?.unwrap_or_default(),
        })
    }

    async fn view(&self, company: Company, card: CardId, template: bool, read: ReadMode) -> Result<CardView, Failure> {
        let mut items = self.batch_get(company, &keys_of_view(company, card, template), read).await?;
        view_of(&mut items, template)
    }
}

/// The items of a view.
pub(crate) fn keys_of_view(company: Company, card: CardId, template: bool) -> Vec<keys::Key> {
    let mut wanted = vec![keys::card(company, card), keys::counter(company, Scope::Card(card), Period::Lifetime)];
    if template {
        wanted.push(keys::card_template(company));
    }
    wanted
}

/// Takes a view out of the items that were found.
pub(crate) fn view_of(items: &mut Vec<Item>, template: bool) -> Result<CardView, Failure> {
    let card = take(items, CARD)?.ok_or(Failure::NotFound)?;
    let lifetime = items.iter().find(|item| COUNTERS.is_of(item)).map(counts_of).transpose()?;
    let found = take(items, TEMPLATE)?.unwrap_or_default();
    Ok(CardView { card, lifetime: lifetime.unwrap_or_default(), template: template.then_some(found) })
}

/// Takes the one item of a kind out of those that were found.
pub(crate) fn take<T: DeserializeOwned>(items: &mut Vec<Item>, kind: Kind) -> Result<Option<T>, Failure> {
    let position = items.iter().position(|item| kind.is_of(item));
    position.map(|position| kind.decode(items.swap_remove(position))).transpose()
}
