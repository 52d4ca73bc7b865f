//! The environment, read once at start.
//!
//! A function's `Config` names its variables; a missing or empty one stops the
//! function in its init phase with the variable's name. Nothing else in the
//! workspace may read the environment.

use std::collections::HashMap;

/// A variable is missing or cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// Not set, or empty.
    #[error("environment variable {0} is not set")]
    Missing(&'static str),
    /// Set, but not to the expected form.
    #[error("environment variable {name} is not {expected}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// The expected form.
        expected: &'static str,
    },
}

/// The environment of the process, or one made up by a test.
#[derive(Debug, Clone)]
pub struct Env(HashMap<String, String>);

impl Env {
    /// The process's own.
    pub fn process() -> Self {
        Self(std::env::vars().collect())
    }

    /// Only these variables.
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The value of a required variable.
    ///
    /// # Errors
    /// [`ConfigError::Missing`].
    pub fn required(&self, name: &'static str) -> Result<String, ConfigError> {
        self.optional(name).ok_or(ConfigError::Missing(name))
    }

    /// The value of an optional variable.
    pub fn optional(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// The value of a required variable that is a whole number.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn required_number(&self, name: &'static str) -> Result<u32, ConfigError> {
        self.required(name)?.parse().map_err(|_| ConfigError::Invalid { name, expected: "a whole number" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_or_empty_variable_is_named() {
        let env = Env::of([("EMPTY", "")]);
        assert_eq!(env.required("TABLE_NAME"), Err(ConfigError::Missing("TABLE_NAME")));
        assert_eq!(env.required("EMPTY").unwrap_err().to_string(), "environment variable EMPTY is not set");
    }

    #[test]
    fn a_number_is_read_or_refused() {
        let env = Env::of([("A", "5"), ("B", "five")]);
        assert_eq!(env.required_number("A"), Ok(5));
        assert_eq!(env.required_number("B").unwrap_err().to_string(), "environment variable B is not a whole number");
    }
}
