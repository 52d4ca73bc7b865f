//! A field of a request that is refused.

use domain::kernel::field::FieldError;
use serde::Serialize;
use utoipa::ToSchema;

/// A problem with a field of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// A JSON pointer to the field in the request body, or the name of the parameter.
    #[schema(example = "/events/3/kind")]
    pub pointer: String,
    /// A stable code for programs. New codes can come; treat an unknown code like `invalid_value`.
    #[schema(example = "unknown_kind")]
    pub code: String,
    /// The problem in Chinese, to show to the user.
    pub detail: String,
}

impl FieldProblem {
    /// A field's error below `base`.
    pub fn new(base: &str, error: &FieldError) -> Self {
        Self { pointer: format!("{base}{}", error.pointer), code: error.code.to_owned(), detail: error.detail.clone() }
    }
}
