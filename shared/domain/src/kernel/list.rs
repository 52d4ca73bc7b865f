//! Short lists that people fill in: bounded, and nothing twice.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::kernel::field::FieldError;

/// At most `MAX` values, in the order given, none twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct UniqueList<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> Default for UniqueList<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialEq, const MAX: usize> UniqueList<T, MAX> {
    /// The list of these values.
    ///
    /// # Errors
    /// `too_many` or `duplicate`.
    pub fn parse(values: Vec<T>) -> Result<Self, FieldError> {
        let mut list = Self::default();
        for value in values {
            list.push(value)?;
        }
        Ok(list)
    }

    fn push(&mut self, value: T) -> Result<(), FieldError> {
        if self.0.len() >= MAX {
            return Err(FieldError::new("too_many", format!("最多 {MAX} 个")));
        }
        if self.0.contains(&value) {
            return Err(FieldError::new("duplicate", "不能重复"));
        }
        self.0.push(value);
        Ok(())
    }
}

impl<T, const MAX: usize> UniqueList<T, MAX> {
    /// The values.
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }
}

/// Reads one value into the list. The error is the value's, not the list's, so it points at the
/// value that is one too many or comes twice.
struct Next<'a, T, const MAX: usize>(&'a mut UniqueList<T, MAX>);

impl<'de, T: Deserialize<'de> + PartialEq, const MAX: usize> DeserializeSeed<'de> for Next<'_, T, MAX> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.push(T::deserialize(deserializer)?).map_err(Error::custom)
    }
}

struct Values<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + PartialEq, const MAX: usize> Visitor<'de> for Values<T, MAX> {
    type Value = UniqueList<T, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
        let mut list = UniqueList::default();
        while values.next_element_seed(Next(&mut list))?.is_some() {}
        Ok(list)
    }
}

impl<'de, T: Deserialize<'de> + PartialEq, const MAX: usize> Deserialize<'de> for UniqueList<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Values(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_too_many_and_a_value_twice_are_rejected() {
        type List = UniqueList<u8, 2>;
        assert_eq!(List::parse(vec![1, 2, 3]).unwrap_err().code, "too_many");
        assert_eq!(List::parse(vec![1, 1]).unwrap_err().code, "duplicate");
        assert!(serde_json::from_str::<List>("[1,2]").is_ok());
        for (json, code) in [("[1,2,3]", "too_many|"), ("[7,7]", "duplicate|"), ("{}", "invalid type")] {
            let error = serde_json::from_str::<List>(json).unwrap_err().to_string();
            assert!(error.starts_with(code), "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_list_reads_back(values: Vec<u8>) {
            if let Ok(list) = UniqueList::<u8, 20>::parse(values.clone()) {
                prop_assert_eq!(list.as_slice(), &values[..]);
                let json = serde_json::to_string(&list).unwrap();
                prop_assert_eq!(serde_json::from_str::<UniqueList<u8, 20>>(&json).unwrap(), list);
            }
        }
    }
}
