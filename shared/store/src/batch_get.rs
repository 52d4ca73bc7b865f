//! Many items by key in one call.

use std::time::Duration;

use aws_sdk_dynamodb::types::KeysAndAttributes;

use crate::error::failure;
use crate::item::Item;
use crate::keys::Key;
use crate::{Store, keys};
use domain::failure::Failure;

/// Most keys in one call (DynamoDB's limit).
pub(crate) const KEYS_MAX: usize = 100;
/// How often the table is asked for what it left out.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(20);

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
        for attempt in 0..ATTEMPTS {
            let Some(keys) = pending.take() else { return Ok(found) };
            tokio::time::sleep(PAUSE * attempt).await;
            let mut answer =
                self.client.batch_get_item().request_items(&self.table, keys).send().await.map_err(failure)?;
            found.extend(
                answer.responses.take().into_iter().flat_map(|mut tables| tables.remove(&self.table)).flatten(),
            );
            pending = answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.table));
        }
        if pending.is_some() { Err(Failure::Throttled) } else { Ok(found) }
    }
}
