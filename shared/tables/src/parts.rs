//! What the parts of a workbook may have, before the reader of workbooks sees them.
//!
//! That reader reserves what a part promises, and copies for each style and each sheet what these name. It takes
//! parts by the ends of their names, in any case.

use std::fmt::Write;

use domain::crm::table::TableError;

/// Most elements of a name in a part: texts, sheets of all kinds, and names, each of which is held with its own
/// allocations.
const ELEMENTS_MAX: [(&str, usize); 3] = [("si", TEXTS_MAX), ("sheet", 1_000), ("definedName", 100_000)];
/// Most shared texts: a table of 10,000 rows and 60 columns has as many.
const TEXTS_MAX: usize = 600_000;
/// Most bytes of a part that says where others are.
const INDEX_MAX: usize = 1024 * 1024;
/// Most bytes of one place of a part, copied for each sheet that names it.
const PLACE_MAX: usize = 4 * 1024;
/// Most styles of cells: Excel has as many.
const STYLES_MAX: usize = 65_490;
/// Most bytes of a format: 255 characters, each written as `&quot;`.
const FORMAT_MAX: usize = 255 * 6;
/// Most bytes of all formats together.
const FORMATS_MAX: usize = 1024 * 1024;
/// Most bytes of formats when each style has its copy.
const COPIES_MAX: usize = 16 * 1024 * 1024;

/// A tag, and the text behind it.
struct Markup<'a> {
    name: &'a str,
    text: &'a str,
    is_end: bool,
}

/// A part as the reader may have it; `name` is in lower case.
pub(crate) fn mended(name: &str, bytes: Vec<u8>) -> Result<Vec<u8>, TableError> {
    let text = std::str::from_utf8(&bytes).map_err(|_| TableError::Unreadable)?;
    // With these two, a declared encoding could hide a tag from what looks for it here.
    if text.contains(['\0', '\u{1b}']) {
        return Err(TableError::Unreadable);
    }
    if name.ends_with("styles.xml") {
        return styles(text).map(String::into_bytes);
    }
    let is_place = name.ends_with(".rels");
    let is_long = (is_place || name.ends_with("workbook.xml")) && text.len() > INDEX_MAX;
    if is_long || name.ends_with("sharedstrings.xml") && promises_too_much(text) || has_too_many(text, is_place) {
        return Err(TableError::TooLarge);
    }
    Ok(bytes)
}

/// Whether more texts are promised than may be: room for all of them is reserved at once.
fn promises_too_much(text: &str) -> bool {
    text.match_indices("uniqueCount").any(|(at, key)| {
        let is_between = |c: char| c.is_ascii_whitespace() || matches!(c, '=' | '"' | '\'' | '+');
        let value = text[at + key.len()..].trim_start_matches(is_between);
        let digits = value.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        !digits.is_empty() && digits.parse().map_or(true, |count: usize| count > TEXTS_MAX)
    })
}

fn has_too_many(text: &str, is_place: bool) -> bool {
    let mut left = ELEMENTS_MAX.map(|(_, most)| most);
    tags(text).any(|tag| {
        let place = ELEMENTS_MAX.iter().position(|(name, _)| !tag.is_end && *name == tag.name);
        let is_beyond = place.is_some_and(|place| match left[place].checked_sub(1) {
            Some(rest) => {
                left[place] = rest;
                false
            }
            None => true,
        });
        is_beyond || is_place && tag.text.len() > PLACE_MAX
    })
}

/// The formats of numbers and the styles that name them: what says whether a number is a day. Fonts, fills and
/// borders are left out.
fn styles(text: &str) -> Result<String, TableError> {
    let (mut formats, mut styles) = (String::new(), String::new());
    let (mut count, mut longest, mut within) = (0_usize, 0, "");
    for tag in tags(text) {
        let id = || attribute(tag.text, "numFmtId").and_then(|id| id.parse::<u32>().ok());
        match (within, tag.name) {
            (_, "numFmts" | "cellXfs") => within = if tag.is_end || tag.is_empty() { "" } else { tag.name },
            ("numFmts", "numFmt") if !tag.is_end => {
                let (Some(id), Some(code)) = (id(), attribute(tag.text, "formatCode")) else { continue };
                let code = code.replace('"', "&quot;");
                longest = longest.max(code.len());
                let _ = write!(formats, r#"<numFmt numFmtId="{id}" formatCode="{code}"/>"#);
            }
            ("cellXfs", "xf") if !tag.is_end => {
                count += 1;
                let _ = match id() {
                    Some(id) => write!(styles, r#"<xf numFmtId="{id}"/>"#),
                    None => write!(styles, "<xf/>"),
                };
            }
            _ => {}
        }
        if count > STYLES_MAX || longest > FORMAT_MAX || formats.len() > FORMATS_MAX || count * longest > COPIES_MAX {
            return Err(TableError::TooLarge);
        }
    }
    Ok(format!("<styleSheet><numFmts>{formats}</numFmts><cellXfs>{styles}</cellXfs></styleSheet>"))
}

fn tags(text: &str) -> impl Iterator<Item = Markup<'_>> {
    text.split('<').skip(1).map(|text| {
        let name = text.strip_prefix('/').unwrap_or(text);
        let name = name.split(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).next().unwrap_or_default();
        let name = name.rsplit(':').next().unwrap_or(name);
        Markup { name, text, is_end: text.starts_with('/') }
    })
}

impl Markup<'_> {
    /// Whether it has no end of its own.
    fn is_empty(&self) -> bool {
        self.text.trim_ascii_end().ends_with("/>")
    }
}

/// The value of an attribute, as it is written.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.match_indices(name).find_map(|(at, _)| {
        let is_begin = tag[..at].ends_with(|c: char| c.is_ascii_whitespace());
        let value = tag[at + name.len()..].trim_ascii_start().strip_prefix('=')?.trim_ascii_start();
        let quote = value.chars().next().filter(|quote| is_begin && matches!(quote, '"' | '\''))?;
        value[1..].split_once(quote).map(|(value, _)| value)
    })
}
