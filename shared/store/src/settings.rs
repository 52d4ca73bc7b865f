//! What members set for themselves, and the company for all.

use domain::company::Company;
use domain::id::MemberId;
use domain::settings::{Greeting, PhraseBook, Phrases};
use serde::{Deserialize, Serialize};

use crate::batch_get::Read;
use crate::error::failure;
use crate::item::{Item, Kind};
use crate::keys::Key;
use crate::{Store, keys};
use domain::failure::Failure;

const PHRASES: Kind = Kind::new("phrases", 1);
const GREETING: Kind = Kind::new("greeting", 1);

/// A stored book.
#[derive(Debug, Serialize, Deserialize)]
struct Book {
    phrases: Phrases,
}

/// A stored greeting; none when it was taken back.
#[derive(Debug, Serialize, Deserialize)]
struct GreetingItem {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    greeting: Option<Greeting>,
}

impl Store {
    /// The company's phrases of a book, and a member's own.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn phrases_of(
        &self,
        company: Company,
        member: MemberId,
        book: PhraseBook,
    ) -> Result<(Phrases, Phrases), Failure> {
        let (shared, own) = (keys::phrases(company, None, book), keys::phrases(company, Some(member), book));
        let mut found = (Phrases::default(), Phrases::default());
        for item in self.batch_get(&[shared, own.clone()], Read::Eventual).await? {
            let place = if Key::of(&item).as_ref() == Some(&own) { &mut found.1 } else { &mut found.0 };
            *place = PHRASES.decode::<Book>(item)?.phrases;
        }
        Ok(found)
    }

    /// The company's phrases of a book.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn company_phrases(&self, company: Company, book: PhraseBook) -> Result<Phrases, Failure> {
        let found: Option<Book> = self.get(&keys::phrases(company, None, book), PHRASES).await?;
        Ok(found.map(|book| book.phrases).unwrap_or_default())
    }

    /// Replaces the phrases of a book: a member's own, or without one the company's.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn set_phrases(
        &self,
        company: Company,
        member: Option<MemberId>,
        book: PhraseBook,
        phrases: &Phrases,
    ) -> Result<(), Failure> {
        self.replace(PHRASES.encode(&keys::phrases(company, member, book), &Book { phrases: phrases.clone() })?).await
    }

    /// A member's own greeting.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn greeting(&self, company: Company, member: MemberId) -> Result<Option<Greeting>, Failure> {
        let found: Option<GreetingItem> = self.get(&keys::greeting(company, member), GREETING).await?;
        Ok(found.and_then(|item| item.greeting))
    }

    /// Sets a member's own greeting, or takes it back.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn set_greeting(
        &self,
        company: Company,
        member: MemberId,
        greeting: Option<&Greeting>,
    ) -> Result<(), Failure> {
        self.replace(GREETING.encode(&keys::greeting(company, member), &GreetingItem { greeting: greeting.cloned() })?)
            .await
    }

    /// Puts an item in the place of whatever is there.
    async fn replace(&self, item: Item) -> Result<(), Failure> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.map(drop).map_err(failure)
    }
}
