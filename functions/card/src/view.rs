//! Views of cards: the template is read a few times a minute, not once per view.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::card::Card;
use domain::card::template::CardTemplate;
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::CardId;
use domain::kernel::timestamp::{SECOND_MS, Timestamp};
use domain::radar::counter::Counts;
use store::Store;

use crate::body::CardBody;
use crate::{App, media};

/// How long a template is kept. A new lock appears on a card's view after this time at the latest.
const KNOWN_MS: i64 = 15 * SECOND_MS;
/// Most templates remembered. At the limit all are forgotten, which costs one more read each.
const REMEMBERED_MAX: usize = 1_000;

/// The templates that were read recently.
#[derive(Clone, Default)]
pub(crate) struct Templates(Arc<Mutex<HashMap<Company, (Timestamp, CardTemplate)>>>);

impl Templates {
    fn known(&self, company: Company, now: Timestamp) -> Option<CardTemplate> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, template) = seen.get(&company)?;
        (now.millis() - at.millis() < KNOWN_MS).then(|| template.clone())
    }

    /// Remembers a template that was just read or written.
    pub(crate) fn remember(&self, company: Company, template: &CardTemplate, now: Timestamp) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED_MAX {
            seen.clear();
        }
        seen.insert(company, (now, template.clone()));
    }

    /// A stored card, its counters, and its template: one call.
    pub(crate) async fn view(
        &self,
        store: &Store,
        company: Company,
        card: CardId,
        now: Timestamp,
    ) -> Result<(Card, CardTemplate, Counts), Failure> {
        let known = self.known(company, now);
        let view = store.card_view(company, card, known.is_none()).await?;
        if let Some(template) = &view.template {
            self.remember(company, template, now);
        }
        Ok((view.card, known.or(view.template).unwrap_or_default(), view.lifetime))
    }
}

/// The answer to a view.
pub(crate) async fn body(
    app: &App,
    company: Company,
    (card, template, lifetime): (Card, CardTemplate, Counts),
) -> Result<CardBody, Failure> {
    let media = media::body(app, company, &card.media).await?;
    Ok(CardBody::new(card, media, &template, lifetime))
}
