//! Compares expected values with the answers, number by number.

use serde_json::Value;

/// The result of the comparisons.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// How many values were compared.
    pub(crate) values: usize,
    /// The differences, one line each.
    pub(crate) wrong: Vec<String>,
}

impl Comparison {
    /// Compares all values that both have, by name and position.
    pub(crate) fn add(&mut self, place: &str, expected: &Value, seen: &Value) {
        match (expected, seen) {
            (Value::Object(fields), Value::Object(others)) if fields.len() == others.len() => {
                for (name, field) in fields {
                    self.add(&format!("{place}, {name}"), field, &seen[name]);
                }
            }
            (Value::Array(values), Value::Array(others)) if values.len() == others.len() => {
                for (nth, (value, other)) in values.iter().zip(others).enumerate() {
                    self.add(&format!("{place}, {nth}"), value, other);
                }
            }
            _ => {
                self.values += 1;
                if expected != seen {
                    self.wrong.push(format!("{place}: {expected} expected, the radar says {seen}"));
                }
            }
        }
    }
}
