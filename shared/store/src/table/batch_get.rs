//! Many items by key in one call.

use aws_sdk_dynamodb::types::KeysAndAttributes;

use crate::keys::Key;
use crate::table::error::failure;
use crate::table::item::Item;
use crate::{Store, keys};
use domain::kernel::failure::Failure;
use runtime::retry::{Policy, Transient};

/// Most keys in one call (DynamoDB's limit).
pub(crate) const KEYS_MAX: usize = 100;

/// Which attributes are read, and how fresh they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadMode {
    /// Whole items, as of the last write.
    Consistent,
    /// Whole items, perhaps a moment old.
    Eventual,
    /// Only the keys and these attributes, as of the last write.
    Only(&'static [&'static str]),
}

/// The keys that are left, and the items found so far.
type ReadProgress = (Option<KeysAndAttributes>, Vec<Item>);

/// Why not all items were read.
enum Stop {
    /// The table left some out: it is busy.
    LeftOut,
    /// The call failed. The SDK has tried it again.
    Failed(Failure),
}

impl Transient for Stop {
    fn is_transient(&self, _: Policy) -> bool {
        matches!(self, Self::LeftOut)
    }
}

impl Stop {
    fn into_failure(self) -> Failure {
        match self {
            Self::LeftOut => Failure::Throttled,
            Self::Failed(failure) => failure,
        }
    }
}

impl Store {
    /// The items that exist, in no order. At most [`KEYS_MAX`] keys, none twice.
    pub(crate) async fn batch_get(&self, wanted: &[Key], read: ReadMode) -> Result<Vec<Item>, Failure> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let mut request = KeysAndAttributes::builder()
            .set_keys(Some(wanted.iter().map(Key::attributes).collect()))
            .consistent_read(read != ReadMode::Eventual);
        if let ReadMode::Only(attributes) = read {
            let mut projected = Vec::with_capacity(attributes.len() + 2);
            for (position, name) in [keys::PK, keys::SK].iter().chain(attributes).enumerate() {
                projected.push(format!("#a{position}"));
                request = request.expression_attribute_names(format!("#a{position}"), *name);
            }
            request = request.projection_expression(projected.join(", "));
        }
        let state = (request.build().ok(), Vec::new());
        let read = self.retry.run_with(Policy::BATCH_GET, state, |state| self.get_some(state)).await;
        read.map_err(|(_, stop)| stop.into_failure())
    }

    /// One call. What it leaves out is to be asked for again.
    async fn get_some(&self, (keys, mut found): ReadProgress) -> Result<Vec<Item>, (ReadProgress, Stop)> {
        let Some(keys) = keys else { return Ok(found) };
        let mut answer = match self.client.batch_get_item().request_items(&self.table, keys).send().await {
            Ok(answer) => answer,
            Err(error) => return Err(((None, found), Stop::Failed(failure(error)))),
        };
        found.extend(answer.responses.take().into_iter().flat_map(|mut tables| tables.remove(&self.table)).flatten());
        match answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.table)) {
            None => Ok(found),
            left_out => Err(((left_out, found), Stop::LeftOut)),
        }
    }
}
