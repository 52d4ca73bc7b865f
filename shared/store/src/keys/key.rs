//! The primary key of an item.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// Name of the partition key attribute.
pub(crate) const PK: &str = "PK";
/// Name of the sort key attribute.
pub(crate) const SK: &str = "SK";

/// The full primary key of one item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    pub(super) fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }

    /// As the two key attributes.
    pub(crate) fn attributes(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            (PK.to_owned(), AttributeValue::S(self.pk.clone())),
            (SK.to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }

    /// The key an item was stored under.
    pub(crate) fn of(item: &HashMap<String, AttributeValue>) -> Option<Self> {
        let text = |name| item.get(name)?.as_s().ok().cloned();
        Some(Self { pk: text(PK)?, sk: text(SK)? })
    }
}
