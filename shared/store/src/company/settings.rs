//! What members set for themselves, and the company for all.

use domain::card::settings::{Greeting, PhraseBook, Phrases};
use domain::company::Company;
use domain::company::audit::AuditEntry;
use domain::kernel::id::MemberId;
use serde::{Deserialize, Serialize};

use crate::company::audit::add_entry;
use crate::keys::Key;
use crate::table::batch_get::ReadMode;
use crate::table::item::Item;
use crate::table::kinds::{GREETING, PHRASES};
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};
use domain::kernel::failure::Failure;

/// A stored book.
#[derive(Debug, Serialize, Deserialize)]
struct Book {
    phrases: Phrases,
}

/// A stored greeting; none when it was removed.
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
        for item in self.batch_get(company, &[shared, own.clone()], ReadMode::Eventual).await? {
            let place = if Key::of(&item).as_ref() == Some(&own) { &mut found.1 } else { &mut found.0 };
            *place = PHRASES.decode::<Book>(item)?.phrases;
        }
        Ok(found)
    }

    /// The company's phrases of a book, as of the last write.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn company_phrases(&self, company: Company, book: PhraseBook) -> Result<Phrases, Failure> {
        let found: Option<Book> = self.get_latest(company, &keys::phrases(company, None, book), PHRASES).await?;
        Ok(found.map(|book| book.phrases).unwrap_or_default())
    }

    /// Replaces a member's own phrases of a book.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn set_phrases(
        &self,
        company: Company,
        member: MemberId,
        book: PhraseBook,
        phrases: &Phrases,
    ) -> Result<(), Failure> {
        self.replace(company, phrases_item(company, Some(member), book, phrases)?).await
    }

    /// Replaces the company's phrases of a book.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn set_company_phrases(
        &self,
        company: Company,
        book: PhraseBook,
        phrases: &Phrases,
        audit: &AuditEntry,
    ) -> Result<(), Failure> {
        self.replace_told(company, phrases_item(company, None, book, phrases)?, audit).await
    }

    /// A member's own greeting, and the company's, as of the last write.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn greetings(
        &self,
        company: Company,
        member: MemberId,
    ) -> Result<(Option<Greeting>, Option<Greeting>), Failure> {
        let (shared, own) = (keys::greeting(company, None), keys::greeting(company, Some(member)));
        let mut found = (None, None);
        for item in self.batch_get(company, &[shared, own.clone()], ReadMode::Consistent).await? {
            let place = if Key::of(&item).as_ref() == Some(&own) { &mut found.0 } else { &mut found.1 };
            *place = GREETING.decode::<GreetingItem>(item)?.greeting;
        }
        Ok(found)
    }

    /// The company's greeting, as of the last write.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn company_greeting(&self, company: Company) -> Result<Option<Greeting>, Failure> {
        let found: Option<GreetingItem> = self.get_latest(company, &keys::greeting(company, None), GREETING).await?;
        Ok(found.and_then(|item| item.greeting))
    }

    /// Sets or removes a member's own greeting.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn set_greeting(
        &self,
        company: Company,
        member: MemberId,
        greeting: Option<&Greeting>,
    ) -> Result<(), Failure> {
        self.replace(company, greeting_item(company, Some(member), greeting)?).await
    }

    /// Sets or removes the company's greeting.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn set_company_greeting(
        &self,
        company: Company,
        greeting: Option<&Greeting>,
        audit: &AuditEntry,
    ) -> Result<(), Failure> {
        self.replace_told(company, greeting_item(company, None, greeting)?, audit).await
    }

    /// Replaces the stored item, whatever it is.
    async fn replace(&self, company: Company, item: Item) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        transaction.replace(&self.table, item);
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }

    /// The same, with the audit entry.
    async fn replace_told(&self, company: Company, item: Item, audit: &AuditEntry) -> Result<(), Failure> {
        let mut transaction = Transaction::default();
        transaction.replace(&self.table, item);
        add_entry(&mut transaction, &self.table, company, audit)?;
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }
}

fn phrases_item(
    company: Company,
    member: Option<MemberId>,
    book: PhraseBook,
    phrases: &Phrases,
) -> Result<Item, Failure> {
    PHRASES.encode(&keys::phrases(company, member, book), &Book { phrases: phrases.clone() })
}

fn greeting_item(company: Company, member: Option<MemberId>, greeting: Option<&Greeting>) -> Result<Item, Failure> {
    GREETING.encode(&keys::greeting(company, member), &GreetingItem { greeting: greeting.cloned() })
}
