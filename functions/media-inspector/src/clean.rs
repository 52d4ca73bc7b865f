//! What comes of an inspection.

/// A file as it may be published: without what tells of its maker or the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clean {
    /// The file.
    pub(crate) bytes: Vec<u8>,
    /// How long it plays, in milliseconds; none for pictures.
    pub(crate) duration_ms: Option<u64>,
}
