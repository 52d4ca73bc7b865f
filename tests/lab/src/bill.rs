//! The unit bill as a document: written, and compared with the one that is checked in.

use std::collections::BTreeMap;
use std::fmt::Write;

/// A number may rise by this much before the check fails.
const RISE: f64 = 0.05;

/// One table of the document.
#[derive(Debug, Default)]
pub(crate) struct BillTable {
    /// The names of the columns after the first.
    pub(crate) columns: &'static [&'static str],
    /// The name of the first column.
    pub(crate) of: &'static str,
    /// The first column and the others.
    pub(crate) rows: Vec<(String, Vec<String>)>,
}

impl BillTable {
    /// As Markdown.
    pub(crate) fn text(&self) -> String {
        let mut text =
            format!("| {} | {} |\n|--|{}\n", self.of, self.columns.join(" | "), "--|".repeat(self.columns.len()));
        for (name, cells) in &self.rows {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
        }
        text
    }
}

/// Row → its numbers by column; the first column names the row.
fn numbers(document: &str) -> BTreeMap<String, BTreeMap<String, f64>> {
    let mut rows = BTreeMap::new();
    let mut header: Vec<&str> = Vec::new();
    for line in document.lines() {
        let Some(line) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else {
            if !line.starts_with('|') {
                header.clear();
            }
            continue;
        };
        let cells: Vec<_> = line.split(" | ").collect();
        if header.is_empty() {
            header = cells;
            continue;
        }
        let number = |(column, cell): (&&str, &&str)| Some(((*column).to_owned(), cell.parse().ok()?));
        let found: BTreeMap<String, f64> = header.iter().zip(&cells).skip(1).filter_map(number).collect();
        if let (Some(name), false) = (cells.first(), found.is_empty()) {
            rows.insert((*name).to_owned(), found);
        }
    }
    rows
}

/// The numbers that are worse in `measured` than in `checked_in`, one line each.
pub(crate) fn worse(checked_in: &str, measured: &str) -> Vec<String> {
    let (old, new) = (numbers(checked_in), numbers(measured));
    let mut found = Vec::new();
    for (name, cells) in &new {
        let Some(known) = old.get(name) else {
            found.push(format!("{name} is not in the bill"));
            continue;
        };
        for (column, number) in cells {
            let before = known.get(column).copied().unwrap_or_default();
            if *number > before * (1.0 + RISE) + 1e-9 {
                found.push(format!("{name}: {column} rose from {before} to {number}"));
            }
        }
    }
    found.extend(old.keys().filter(|name| !new.contains_key(*name)).map(|name| format!("{name} is gone")));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[(&str, f64)]) -> String {
        let rows = rows.iter().map(|(name, units)| ((*name).to_owned(), vec!["GetItem".to_owned(), units.to_string()]));
        BillTable { of: "Route", columns: &["Calls", "Units"], rows: rows.collect() }.text()
    }

    #[test]
    fn a_rise_of_more_than_five_percent_is_worse() {
        let before = table(&[("a", 1.0), ("b", 0.0)]);
        assert!(worse(&before, &table(&[("a", 1.05), ("b", 0.0)])).is_empty());
        assert!(worse(&before, &table(&[("a", 0.5), ("b", 0.0)])).is_empty());
        assert_eq!(worse(&before, &table(&[("a", 1.06), ("b", 0.0)])), ["a: Units rose from 1 to 1.06"]);
        assert_eq!(worse(&before, &table(&[("a", 1.0), ("b", 0.5)])), ["b: Units rose from 0 to 0.5"]);
    }

    #[test]
    fn a_row_too_few_or_too_many_is_worse() {
        let (one, two) = (table(&[("a", 1.0)]), table(&[("a", 1.0), ("b", 1.0)]));
        assert_eq!(worse(&one, &two), ["b is not in the bill"]);
        assert_eq!(worse(&two, &one), ["b is gone"]);
    }

    #[test]
    fn tables_with_other_columns_do_not_disturb_each_other() {
        let other =
            BillTable { of: "Step", columns: &["Units"], rows: vec![("c".to_owned(), vec!["2".to_owned()])] }.text();
        let document = format!("{}\nText.\n\n{other}", table(&[("a", 1.0)]));
        assert!(worse(&document, &document).is_empty());
        assert_eq!(numbers(&document)["c"], BTreeMap::from([("Units".to_owned(), 2.0)]));
    }
}
