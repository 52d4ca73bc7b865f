//! Fields that members fill in: each with its earlier values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kernel::id::MemberId;
use crate::kernel::timestamp::Timestamp;

/// A value of a field, and who set it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FieldValue {
    /// When it was set.
    #[serde(rename = "t", with = "crate::kernel::timestamp::as_millis")]
    pub at: Timestamp,
    /// The member who set it.
    #[serde(rename = "b")]
    pub by: MemberId,
    /// The text; empty for a field that was cleared.
    #[serde(rename = "v")]
    pub text: String,
}

/// The values of all fields, the last set at the end of each: of each at most `KEPT`, the one in force
/// included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent, bound(deserialize = "K: Deserialize<'de> + Ord"))]
pub struct FieldHistory<K: Ord, const KEPT: usize>(BTreeMap<K, Vec<FieldValue>>);

impl<K: Ord, const KEPT: usize> Default for FieldHistory<K, KEPT> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Copy, const KEPT: usize> FieldHistory<K, KEPT> {
    /// Whether no field was ever set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields that were ever set.
    pub fn fields(&self) -> impl Iterator<Item = K> {
        self.0.keys().copied()
    }

    /// Forgets all fields but these.
    pub fn retain(&mut self, is_kept: impl Fn(K) -> bool) {
        self.0.retain(|field, _| is_kept(*field));
    }

    /// The text of a field; empty if it is not set.
    pub fn text(&self, field: K) -> &str {
        self.values(field).last().map_or("", |value| &value.text)
    }

    /// The values of a field that are kept, the last set at the end.
    pub fn values(&self, field: K) -> &[FieldValue] {
        self.0.get(&field).map_or(&[], Vec::as_slice)
    }

    /// The change that sets a field to a text; `None` when it says so already. It is later than all
    /// values of before, whatever the clocks show.
    pub fn change(&self, field: K, text: &str, by: MemberId, now: Timestamp) -> Option<FieldValue> {
        let last = self.values(field).last();
        let at = last.map_or(now, |last| now.max(last.at.plus_millis(1)));
        (self.text(field) != text).then(|| FieldValue { at, by, text: text.to_owned() })
    }

    /// The text of a field as it was set at this moment, if it is still kept.
    pub fn text_set_at(&self, field: K, at: Timestamp) -> Option<&str> {
        self.values(field).iter().find(|value| value.at == at).map(|value| value.text.as_str())
    }

    /// Adds a value. The oldest of too many is forgotten.
    pub fn set(&mut self, field: K, value: FieldValue) {
        let values = self.0.entry(field).or_default();
        values.push(value);
        values.sort();
        let over = values.len().saturating_sub(KEPT);
        values.drain(..over);
    }

    /// The values of several identities that are one person: of each field the value set last.
    #[must_use]
    pub fn union<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self
    where
        K: 'a,
    {
        let mut union = Self::default();
        for (field, values) in parts.into_iter().flat_map(|part| &part.0) {
            values.iter().for_each(|value| union.set(*field, value.clone()));
        }
        union
    }
}

#[cfg(test)]
#[path = "field_history_tests.rs"]
mod tests;
