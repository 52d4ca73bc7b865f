//! Compares expected values with the answers, number by number.

use serde_json::Value;

/// The result of the comparisons.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// How many values were compared.
    pub(crate) values: usize,
    /// How many of them had to lie between two bounds.
    pub(crate) bounded: usize,
    /// The differences, one line each.
    pub(crate) wrong: Vec<String>,
}

impl Comparison {
    /// Compares all values that both have, by name and position.
    pub(crate) fn add(&mut self, place: &str, expected: &Value, seen: &Value) {
        match (expected, seen) {
            (Value::Object(bounds), Value::Number(_)) if bounds.contains_key("at_least") => {
                self.values += 1;
                self.bounded += 1;
                let (least, most) = (bounds["at_least"].as_i64(), bounds["at_most"].as_i64());
                if seen.as_i64() < least || seen.as_i64() > most {
                    self.wrong.push(format!("{place}: {expected} expected, the radar says {seen}"));
                }
            }
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
