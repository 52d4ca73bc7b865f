//! The books that a company reads its customers by.

use domain::company::Company;
use domain::crm::custom_field::CustomFieldBook;
use domain::crm::customer_rules::CustomerRules;
use domain::crm::record::KnownCustomer;
use domain::crm::tag::TagBook;
use domain::crm::view::ViewBook;
use domain::kernel::failure::Failure;
use domain::kernel::id::PersonId;

use crate::company::book::{BookName, StoredCompanyBook, book_of};
use crate::company::department::take;
use crate::crm::customer_rules::rules_of;
use crate::table::batch_get::RecordRead;
use crate::{Store, keys};

impl StoredCompanyBook for TagBook {
    const KIND: BookName = BookName::Tags;
}

impl StoredCompanyBook for CustomFieldBook {
    const KIND: BookName = BookName::CustomFields;
}

impl StoredCompanyBook for ViewBook {
    const KIND: BookName = BookName::Views;
}

/// What a company has to read its customers by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomerBooks {
    /// Its tags.
    pub tags: TagBook,
    /// Its fields.
    pub fields: CustomFieldBook,
    /// Its rules.
    pub rules: CustomerRules,
}

impl Store {
    /// A customer as [`Store::known_customer`] reads them, and the company's books, in the same call.
    ///
    /// # Errors
    /// [`Failure::Corrupt`] when something cannot be read.
    pub async fn known_customer_and_books(
        &self,
        company: Company,
        person: PersonId,
        read: RecordRead,
    ) -> Result<(KnownCustomer, CustomerBooks), Failure> {
        let [tags, fields] = [BookName::Tags, BookName::CustomFields].map(|book| book.key(company.into()));
        let beside = [tags, fields, keys::customer_rules(company)];
        let (known, mut items) = self.known_customer_beside(company, person, read, &beside).await?;
        let [tags, fields, rules] = beside.map(|key| take(&mut items, &key));
        Ok((known, CustomerBooks { tags: book_of(tags)?, fields: book_of(fields)?, rules: rules_of(rules)? }))
    }
}
