//! Many items by key in one call.

use aws_sdk_dynamodb::types::KeysAndAttributes;

use crate::error::failure;
use crate::item::Item;
use crate::keys::Key;
use crate::{Store, keys};
use domain::failure::Failure;
use runtime::retry::Policy;

/// Most keys in one call (DynamoDB's limit).
pub(crate) const KEYS_MAX: usize = 100;

/// How fresh and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// Whole items, as of the last write.
    Consistent,
    /// Whole items, perhaps a moment old.
    Eventual,
    /// Only the keys and these attributes, as of the last write.
    Only(&'static [&'static str]),
}

impl Store {
    /// The items that exist, in no order. At most [`KEYS_MAX`] keys, none twice.
    pub(crate) async fn batch_get(&self, wanted: &[Key], read: Read) -> Result<Vec<Item>, Failure> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let mut request = KeysAndAttributes::builder()
            .set_keys(Some(wanted.iter().map(Key::attributes).collect()))
            .consistent_read(read != Read::Eventual);
        if let Read::Only(attributes) = read {
            let mut projected = Vec::with_capacity(attributes.len() + 2);
            for (position, name) in [keys::PK, keys::SK].iter().chain(attributes).enumerate() {
                projected.push(format!("#a{position}"));
                request = request.expression_attribute_names(format!("#a{position}"), *name);
            }
            request = request.projection_expression(projected.join(", "));
        }
        let mut pending = request.build().ok();
        let mut found = Vec::new();
        let next = async || {
            let Some(keys) = pending.clone() else { return Ok(()) };
            let mut answer =
                self.client.batch_get_item().request_items(&self.table, keys).send().await.map_err(failure)?;
            found.extend(
                answer.responses.take().into_iter().flat_map(|mut tables| tables.remove(&self.table)).flatten(),
            );
            pending = answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.table));
            // What it left out is asked for again.
            if pending.is_some() { Err(Failure::Throttled) } else { Ok(()) }
        };
        self.retry.run(Policy::BATCH_GET, next).await?;
        Ok(found)
    }
}
