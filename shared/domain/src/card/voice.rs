//! A member's own voice introduction of a product.

use serde::{Deserialize, Serialize};

use crate::kernel::id::{ProductId, UploadId};
use crate::kernel::timestamp::Timestamp;

/// What a visitor of the member's card hears about a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voice {
    /// The product.
    pub product: ProductId,
    /// The recording.
    pub upload: UploadId,
    /// How long it is, in milliseconds.
    pub duration_ms: u64,
    /// When it was set.
    #[serde(with = "crate::kernel::timestamp::as_millis")]
    pub updated_at: Timestamp,
}
