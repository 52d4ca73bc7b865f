//! New ids and random bytes, as values that can be injected.

use std::fmt;
use std::sync::Arc;

use domain::kernel::id::Id;
use domain::kernel::timestamp::Timestamp;
use uuid::{Builder, Uuid};

/// The system returned no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no random bytes")]
pub struct NoRandomness;

type Fill = dyn Fn(&mut [u8]) -> Result<(), NoRandomness> + Send + Sync;

/// Makes ids.
#[derive(Clone)]
pub struct Ids(Arc<Fill>);

impl Ids {
    /// From the system's generator.
    pub fn system() -> Self {
        Self(Arc::new(|bytes| aws_lc_rs::rand::fill(bytes).map_err(|_| NoRandomness)))
    }

    /// From the function that fills the bytes.
    pub fn from_fn(fill: impl Fn(&mut [u8]) -> Result<(), NoRandomness> + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    /// Random bytes.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], NoRandomness> {
        let mut bytes = [0; N];
        (self.0)(&mut bytes)?;
        Ok(bytes)
    }

    /// A UUIDv7 with this time.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn uuid(&self, now: Timestamp) -> Result<Uuid, NoRandomness> {
        let millis = u64::try_from(now.millis()).unwrap_or_default();
        Ok(Builder::from_unix_timestamp_millis(millis, &self.bytes()?).into_uuid())
    }

    /// An id of this time.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn new_id<T: Id>(&self, now: Timestamp) -> Result<T, NoRandomness> {
        self.uuid(now).map(T::from_uuid)
    }
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ids")
    }
}
