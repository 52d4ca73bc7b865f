//! Many items by key in one call.

use aws_sdk_dynamodb::types::KeysAndAttributes;

use crate::keys::Key;
use crate::table::actor::{ATTRIBUTES, ActingMember};
use crate::table::error::failure;
use crate::table::item::Item;
use crate::{Store, keys};
use domain::company::Company;
use domain::kernel::failure::Failure;
use runtime::retry::{Policy, Transient};

/// Most keys to ask for in one call: DynamoDB's limit is 100, and the member who acts is one.
pub(crate) const KEYS_MAX: usize = 99;

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

/// How fresh a customer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordRead {
    /// Perhaps a moment old, to show it.
    ToShow,
    /// As of the last write, to change it.
    ToChange,
}

impl From<RecordRead> for ReadMode {
    fn from(read: RecordRead) -> Self {
        match read {
            RecordRead::ToShow => Self::Eventual,
            RecordRead::ToChange => Self::Consistent,
        }
    }
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
    fn is_transient(&self, _: Policy, _: u32) -> bool {
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
    /// The items that exist, in no order. At most [`KEYS_MAX`] keys, none twice. When a member
    /// acts, only if they may still do what their token says: their item is read in the same call.
    ///
    /// # Errors
    /// [`Failure::RightsChanged`] if they may not.
    pub(crate) async fn batch_get(
        &self,
        company: Company,
        wanted: &[Key],
        read: ReadMode,
    ) -> Result<Vec<Item>, Failure> {
        let Some(actor) = ActingMember::of(company).filter(|_| !wanted.is_empty()) else {
            return self.read_items(wanted, read).await;
        };
        let is_wanted = wanted.contains(&actor.key);
        let beside = (!is_wanted).then(|| actor.key.clone());
        let all: Vec<_> = wanted.iter().cloned().chain(beside).collect();
        let mut items = self.read_items(&all, read).await?;
        let own = items.iter().position(|item| Key::of(item).as_ref() == Some(&actor.key));
        if !actor.stands(own.map(|own| &items[own])) {
            return Err(Failure::RightsChanged);
        }
        if let Some(own) = own.filter(|_| !is_wanted) {
            items.swap_remove(own);
        }
        Ok(items)
    }

    /// The items that exist, in no order, for nobody in particular.
    pub(crate) async fn read_items(&self, wanted: &[Key], read: ReadMode) -> Result<Vec<Item>, Failure> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let mut request = KeysAndAttributes::builder()
            .set_keys(Some(wanted.iter().map(Key::attributes).collect()))
            .consistent_read(read != ReadMode::Eventual);
        if let ReadMode::Only(attributes) = read {
            let mut projected = Vec::with_capacity(attributes.len() + ATTRIBUTES.len() + 2);
            for (position, name) in [keys::PK, keys::SK].iter().chain(attributes).chain(&ATTRIBUTES).enumerate() {
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
