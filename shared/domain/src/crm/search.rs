//! Finding customers by a few characters: their name, its pinyin or the first letters of it, their
//! company, their mobile number or its last digits.

use pinyin::ToPinyin;

use crate::crm::row::CustomerRow;

/// Fewest digits by which a number is found: shorter ones are in every second number.
const DIGITS_MIN: usize = 4;

/// What is looked for.
#[derive(Debug)]
pub(super) struct NameSearch {
    /// In small letters, without spaces.
    text: String,
    /// Whether pinyin can have it.
    is_latin: bool,
    /// The digits, if it is nothing else.
    digits: Option<String>,
}

impl NameSearch {
    pub(super) fn new(text: &str) -> Self {
        let text = folded(text);
        let number = text.strip_prefix('+').unwrap_or(&text).replace('-', "");
        let is_number = number.len() >= DIGITS_MIN && number.bytes().all(|byte| byte.is_ascii_digit());
        let is_latin = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'\'');
        Self { text, is_latin, digits: is_number.then_some(number) }
    }

    /// Whether a customer is found; by their number only if it is shown.
    pub(super) fn finds(&self, row: &CustomerRow, with_number: bool) -> bool {
        let has = |text: &str| !text.is_empty() && folded(text).contains(&self.text);
        has(&row.name)
            || has(&row.company)
            || self.digits.as_ref().filter(|_| with_number).is_some_and(|digits| row.mobile.ends_with(digits.as_str()))
            || (self.is_latin && self.finds_pinyin(&row.name))
    }

    fn finds_pinyin(&self, name: &str) -> bool {
        let wanted = self.text.replace('\'', "");
        let syllables: Vec<&str> = name.to_pinyin().flatten().map(|syllable| syllable.plain()).collect();
        if syllables.is_empty() || wanted.is_empty() {
            return false;
        }
        let initials: String = syllables.iter().filter_map(|syllable| syllable.chars().next()).collect();
        // A part of a name begins with a syllable.
        initials.contains(&wanted) || (0..syllables.len()).any(|from| syllables[from..].concat().starts_with(&wanted))
    }
}

fn folded(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// A name as it is sorted: each character by its pinyin.
pub(super) fn pinyin_of(name: &str) -> String {
    let mut sorted = String::with_capacity(name.len() * 2);
    for c in name.chars() {
        match c.to_pinyin() {
            Some(syllable) => sorted.push_str(syllable.plain()),
            None => sorted.extend(c.to_lowercase()),
        }
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(wanted: &str, name: &str, company: &str, mobile: &str) -> bool {
        let (name, company, mobile) = (name.to_owned(), company.to_owned(), mobile.to_owned());
        NameSearch::new(wanted).finds(&CustomerRow { name, company, mobile, ..crate::crm::row::tests::plain(1) }, true)
    }

    #[test]
    fn a_name_is_found_by_characters_pinyin_and_first_letters() {
        for (wanted, found) in [
            ("王小", true),
            ("小明", true),
            ("wangxiaoming", true),
            ("Wang Xiao", true),
            ("xiaom", true),
            ("xi'ao", true),
            ("wxm", true),
            ("xm", true),
            ("angx", false),
            ("wm", false),
            ("李", false),
        ] {
            assert_eq!(finds(wanted, "王小明", "", ""), found, "{wanted}");
        }
        assert!(finds("smith", "Anna Smith", "", "") && finds("anna s", "Anna Smith", "", ""));
    }

    #[test]
    fn a_company_is_found_by_a_part_and_a_number_by_its_end() {
        assert!(finds("青岛", "", "上海青岛贸易有限公司", "") && !finds("qingdao", "", "青岛贸易", ""));
        for (wanted, found) in [
            ("8000", true),
            ("13800138000", true),
            ("+86 138 0013 8000", true),
            ("138-0013-8000", true),
            ("000", false),
            ("1380", false),
            ("8001", false),
        ] {
            assert_eq!(finds(wanted, "", "", "+8613800138000"), found, "{wanted}");
        }
    }

    #[test]
    fn names_are_sorted_by_pinyin() {
        let mut names = ["张三", "阿明", "Bob", "李四", "李三"].map(pinyin_of);
        names.sort();
        assert_eq!(names, ["aming", "bob", "lisan", "lisi", "zhangsan"]);
    }
}
