//! The stored names of gaps longer than a month: two letters each. A day of a large company holds
//! hundreds, and 400 days are read together.

use std::sync::LazyLock;

/// The shortest of them.
pub(crate) const SHORTEST: u16 = 30;
/// The longest gap that matters to a range of 400 days.
pub(crate) const LONGEST: u16 = 399;
/// How many families of gaps have names here.
pub(crate) const FAMILIES: usize = 2;

/// The first letters of a family's names. No other counter begins with one of them.
const FIRST: [&[u8; 10]; FAMILIES] = [b"ABCDFGIJKL", b"NOPQRSUWYZ"];
/// The second letters: those with which none of DynamoDB's reserved words of two letters ends.
const SECOND: &[u8; 37] = b"0123456789abcdeghijlmpquvwxzABCDEGHIJ";

static CODES: LazyLock<[Vec<String>; FAMILIES]> = LazyLock::new(|| {
    FIRST.map(|first| {
        let pairs = first.iter().flat_map(|a| SECOND.iter().map(move |b| [*a, *b]));
        pairs.map(|pair| pair.into_iter().map(char::from).collect()).collect()
    })
});

/// The name of a gap.
pub(crate) fn code(family: usize, gap: u16) -> Option<&'static str> {
    let place = usize::from(gap.checked_sub(SHORTEST)?);
    CODES.get(family)?.get(place).map(String::as_str)
}

/// The family and the gap of this name.
pub(crate) fn from_code(code: &str) -> Option<(usize, u16)> {
    let &[first, second] = code.as_bytes() else { return None };
    let second = SECOND.iter().position(|letter| *letter == second)?;
    let place = |letters: &[u8]| letters.iter().position(|letter| *letter == first);
    let (family, first) = (0..).zip(FIRST).find_map(|(family, letters)| Some((family, place(letters)?)))?;
    let gap = SHORTEST + u16::try_from(first * SECOND.len() + second).ok()?;
    (gap <= LONGEST).then_some((family, gap))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_long_gap_has_a_name_of_its_own_that_reads_back() {
        let mut names = std::collections::BTreeSet::new();
        for family in 0..FAMILIES {
            for gap in SHORTEST..=LONGEST {
                let name = code(family, gap).unwrap();
                assert_eq!(from_code(name), Some((family, gap)), "{name}");
                assert!(names.insert(name), "{name}");
            }
            assert_eq!((code(family, SHORTEST - 1), code(family, LONGEST + 1)), (None, None));
        }
    }

    #[test]
    fn no_name_is_a_reserved_word() {
        for word in ["AS", "AT", "BY", "DO", "GO", "IF", "IN", "IS", "NO", "OF", "ON", "OR", "TO"] {
            for name in [word.to_owned(), word.to_lowercase(), format!("{}{}", &word[..1], word[1..].to_lowercase())] {
                assert_eq!(from_code(&name), None, "{name}");
            }
        }
        for other in ["", "v", "V", "V1", "e1", "h3", "nv", "xo", "A-", "维", "A00"] {
            assert_eq!(from_code(other), None, "{other}");
        }
    }
}
