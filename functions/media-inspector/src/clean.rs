//! The result of an inspection.

/// A file that may be published: without metadata about its maker or the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clean {
    /// The file.
    pub(crate) bytes: Vec<u8>,
    /// The duration, in milliseconds; `None` for pictures.
    pub(crate) duration_ms: Option<u64>,
}
