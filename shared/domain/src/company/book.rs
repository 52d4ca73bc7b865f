//! What a company keeps one list of, such as tags, fields of its own and templates of freight. A book is one item.

use std::fmt::Display;

use crate::company::audit::AuditAction;
use crate::kernel::failure::Failure;
use crate::kernel::field::FieldError;
use crate::kernel::id::Id;

/// A company's list of something that its people name, change and remove.
pub trait CompanyBook: Clone + Default + PartialEq {
    /// The id of an entry.
    type Id: Id + Copy + Display;
    /// An entry.
    type Entry: Clone;

    /// What the audit log calls a change.
    const AUDIT: AuditAction;

    /// Goes up by one with each change; 0 of the book that every company begins with.
    fn version(&self) -> u64;

    /// The entry of an id.
    fn entry(&self, id: Self::Id) -> Option<&Self::Entry>;

    /// The book with a new entry.
    ///
    /// # Errors
    /// [`BookRefusal::NameTaken`] or [`BookRefusal::Limit`].
    fn add(&self, id: Self::Id, entry: Self::Entry) -> Result<Self, BookRefusal>;
}

/// Why a book is not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BookRefusal {
    /// There is no such entry.
    Unknown,
    /// Another entry has this name.
    NameTaken(&'static str),
    /// There are as many entries as there may be.
    Limit(&'static str),
    /// A value cannot be.
    Field(FieldError),
}

/// Why a member's change of a book fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// By the rules of the book.
    #[error("the book refuses it")]
    Refused(BookRefusal),
    /// As every action can fail.
    #[error(transparent)]
    Failed(#[from] Failure),
}
