//! The directory of a company's members: one item, read with each customer.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::company::Company;
use domain::crm::member_directory::MemberDirectory;
use domain::kernel::failure::Failure;

use crate::table::item::Item;
use crate::table::kinds::MEMBER_DIRECTORY;
use crate::table::transaction::{Cancelled, Transaction};
use crate::{Store, keys};

/// Name of the attribute with the packed members.
const MEMBERS: &str = "members";

impl Store {
    /// Replaces the directory of a company.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] and the like.
    pub async fn set_member_directory(&self, company: Company, directory: &MemberDirectory) -> Result<(), Failure> {
        let mut item = MEMBER_DIRECTORY.item(keys::member_directory(company));
        item.insert(MEMBERS.to_owned(), AttributeValue::B(Blob::new(directory.to_bytes())));
        let mut transaction = Transaction::default();
        transaction.replace(&self.table, item);
        self.commit(company, transaction).await.map_err(Cancelled::into_failure)
    }
}

/// The directory of its item; without one nobody is known yet.
pub(crate) fn directory_of(item: Option<Item>) -> Result<MemberDirectory, Failure> {
    let Some(item) = item else { return Ok(MemberDirectory::default()) };
    MEMBER_DIRECTORY.check(&item)?;
    let members = item.get(MEMBERS).and_then(|members| members.as_b().ok());
    let directory = members.and_then(|members| MemberDirectory::from_bytes(members.as_ref()));
    directory.ok_or_else(|| MEMBER_DIRECTORY.corrupt(MEMBERS))
}
