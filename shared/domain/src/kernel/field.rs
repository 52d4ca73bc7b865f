//! What is wrong with one field of an input.

use std::fmt;

/// A rejected field: a stable code for programs, a Chinese sentence for people, and, where a rule
/// spans fields, the pointer to the part below the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Stable, lower snake case, for example `too_long`.
    pub code: &'static str,
    /// JSON pointer relative to the value being parsed; empty for the value itself.
    pub pointer: &'static str,
    /// For the user, in Chinese.
    pub detail: String,
}

impl FieldError {
    /// An error of the value itself.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, pointer: "", detail: detail.into() }
    }

    /// The same error, at `pointer` below the value.
    #[must_use]
    pub fn at(mut self, pointer: &'static str) -> Self {
        self.pointer = pointer;
        self
    }
}

/// `code|pointer|detail`: serde carries only text, so the edge takes the parts
/// out of this form again.
impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}|{}", self.code, self.pointer, self.detail)
    }
}

impl std::error::Error for FieldError {}
