//! The parts in which two attempts may differ: the ids and secrets that each has made. They are
//! replaced by their number in the order in which they appear.

use std::collections::{BTreeMap, BTreeSet};

use store::EXPIRY_ATTRIBUTES;

/// Shorter ones are words.
const MADE_LEN_MIN: usize = 10;

/// The ids and secrets in a text.
pub(crate) fn made(text: &str) -> impl Iterator<Item = &str> {
    let of_id = |c: char| c.is_ascii_alphanumeric() || ['_', '-', '+', '/', '='].contains(&c);
    let is_made = |word: &&str| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        word.len() >= MADE_LEN_MIN && digits > 0 && digits < word.len()
    };
    text.split(move |c| !of_id(c)).filter(is_made)
}

/// The text without the shards of due lists, which follow from the ids of companies.
fn without_shards(text: &str) -> String {
    let partition = format!("\"{}\":{{\"S\":\"", EXPIRY_ATTRIBUTES[0]);
    let mut parts = text.split(&partition);
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('"').unwrap_or((part, ""));
        let list = name.rsplit_once('#').map_or(name, |(list, _)| list);
        whole.push_str(&format!("{partition}{list}\"{rest}"));
    }
    whole
}

/// The texts with new ids and secrets replaced. The first text stays the first; the others are put
/// in an order that does not depend on ids.
pub(crate) fn masked(first: &str, others: &[String], known: &BTreeSet<String>) -> Vec<String> {
    let others: Vec<_> = others.iter().map(|text| without_shards(text)).collect();
    let blank = |text: &String| {
        let mut blank = text.clone();
        for id in made(text).filter(|id| !known.contains(*id)) {
            blank = blank.replace(id, "‹›");
        }
        blank
    };
    let mut others: Vec<_> = others.iter().map(|text| (blank(text), text.as_str())).collect();
    others.sort();
    let mut numbers = BTreeMap::new();
    let texts = std::iter::once(first).chain(others.into_iter().map(|(_, text)| text));
    texts
        .map(|text| {
            let mut whole = text.to_owned();
            for id in made(text).filter(|id| !known.contains(*id)) {
                let next = numbers.len();
                let number = numbers.entry(id.to_owned()).or_insert(next);
                whole = whole.replace(id, &format!("‹{number}›"));
            }
            whole
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shard_of_a_list_does_not_count_and_the_list_does() {
        let row = |list: &str| format!("{{\"{}\":{{\"S\":\"{list}\"}},\"a\":{{\"S\":\"b#1\"}}}}", EXPIRY_ATTRIBUTES[0]);
        let of = |list: &str| masked("done", &[row(list)], &BTreeSet::new());
        assert_eq!(of("RECOUNT#2"), of("RECOUNT#6"));
        assert_ne!(of("RECOUNT#2"), of("EXPIRY#2"));
        assert!(of("RECOUNT#2")[1].contains("b#1"));
    }

    #[test]
    fn made_ids_become_numbers_and_what_is_known_stays() {
        let known = BTreeSet::from(["mem_06h007c7d5pa171ucul7nm7688".to_owned()]);
        let of = |a: &str, b: &str| {
            let rows =
                [format!("{b} of {a}"), format!("{a} at 1795233600000"), "mem_06h007c7d5pa171ucul7nm7688".into()];
            masked(&format!("made {a}, refused"), &rows, &known)
        };
        let (first, second) = (of("crd_0000000001", "dep_0000000002"), of("crd_9000000001", "dep_1000000002"));
        assert_eq!(first, second);
        assert_eq!(first[0], "made ‹0›, refused");
        assert!(
            first.contains(&"mem_06h007c7d5pa171ucul7nm7688".to_owned()) && first.contains(&"‹1› of ‹0›".to_owned())
        );
        assert_ne!(of("crd_0000000001", "crd_0000000001"), first);
    }
}
