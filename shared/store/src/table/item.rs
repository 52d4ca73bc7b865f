//! Items: an entity's fields beside its key, type and layout version.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::kernel::timestamp::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::keys::{EXPIRY_ATTRIBUTES, Key, PK, SK};
use domain::kernel::failure::Failure;

/// Attribute names and values.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Name of the attribute with the entity's kind.
pub(crate) const TYPE: &str = "type";
/// Name of the attribute with the layout version.
pub(crate) const LAYOUT: &str = "layout";
/// Name of the attribute by which the table forgets an item, in Unix seconds.
pub(crate) const EXPIRES_AT: &str = "expires_at";
/// Name of the attribute that counts how often the work of a due item failed in a row.
pub(crate) const DUE_FAILURES: &str = "due_failures";

/// Attributes of an item, mostly.
const ROOM: usize = 8;

/// An entity's name and the newest layout this code writes and reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) layout: u32,
}

impl Kind {
    pub(crate) const fn new(name: &'static str, layout: u32) -> Self {
        Self { name, layout }
    }

    /// An item of this key without other attributes yet, with room for some.
    pub(crate) fn item(self, Key { pk, sk }: Key) -> Item {
        let mut item = Item::with_capacity(ROOM);
        item.extend([(PK.to_owned(), text(pk)), (SK.to_owned(), text(sk))]);
        item.extend(self.tags());
        item
    }

    /// The item of an entity.
    pub(crate) fn encode<T: Serialize>(self, key: &Key, entity: &T) -> Result<Item, Failure> {
        let mut item: Item = serde_dynamo::to_item(entity).map_err(|error| self.corrupt(error))?;
        item.extend(key.attributes());
        item.extend(self.tags());
        Ok(item)
    }

    /// The type and layout attributes.
    pub(crate) fn tags(self) -> [(String, AttributeValue); 2] {
        [(TYPE.to_owned(), text(self.name)), (LAYOUT.to_owned(), number(self.layout))]
    }

    /// The entity of an item.
    pub(crate) fn decode<T: DeserializeOwned>(self, mut item: Item) -> Result<T, Failure> {
        self.check(&item)?;
        for name in [PK, SK, TYPE, LAYOUT, DUE_FAILURES].into_iter().chain(EXPIRY_ATTRIBUTES) {
            item.remove(name);
        }
        serde_dynamo::from_item(item).map_err(|error| self.corrupt(error))
    }

    /// Whether an item is of this kind, in whatever layout.
    pub(crate) fn is_of(self, item: &Item) -> bool {
        item.get(TYPE).and_then(|value| value.as_s().ok()).is_some_and(|name| name == self.name)
    }

    /// Rejects an item of another type, or of a layout newer than this code.
    pub(crate) fn check(self, item: &Item) -> Result<(), Failure> {
        let name = item.get(TYPE).and_then(|value| value.as_s().ok());
        if name.is_none_or(|name| name != self.name) {
            return Err(self.corrupt(format!("type is {name:?}")));
        }
        match layout_of(item) {
            Some(layout) if (1..=self.layout).contains(&layout) => Ok(()),
            layout => Err(self.corrupt(format!("layout is {layout:?}, newest known is {}", self.layout))),
        }
    }

    /// The error for an item of this kind that cannot be read.
    pub(crate) fn corrupt(self, cause: impl std::fmt::Display) -> Failure {
        Failure::Corrupt(format!("{}: {cause}", self.name))
    }
}

/// The layout of an item.
pub(crate) fn layout_of(item: &Item) -> Option<u32> {
    item.get(LAYOUT).and_then(|value| value.as_n().ok()?.parse().ok())
}

/// A string attribute.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number attribute.
pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Marks an item to be forgotten at `at`.
pub(crate) fn expire(item: &mut Item, at: Timestamp) {
    item.insert(EXPIRES_AT.to_owned(), number(at.seconds()));
}

/// Whether an item is to be forgotten by now. The table does so late.
pub(crate) fn has_expired(item: &Item, now: Timestamp) -> bool {
    let expires = item.get(EXPIRES_AT).and_then(|at| at.as_n().ok()?.parse::<i64>().ok());
    expires.is_some_and(|at| at <= now.seconds())
}
