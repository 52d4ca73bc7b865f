//! The list of places that call AWS: `tests/lab/call-sites.tsv`.

use std::backtrace::Backtrace;

use crate::meter::repository;

/// A place where shipped code calls AWS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Site {
    /// For example `shared/store/src/read.rs::query`.
    pub(crate) place: String,
    /// For example `Query`.
    pub(crate) operation: String,
    /// The trial that tests faults there; empty if none does.
    pub(crate) tried_by: Vec<String>,
}

/// All places.
pub(crate) fn all() -> Vec<Site> {
    let text = std::fs::read_to_string(repository("tests/lab/call-sites.tsv")).expect("the list of calls is there");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let site = |line: &str| {
        let mut cells = line.split('\t').map(str::to_owned);
        let (place, operation) = (cells.next()?, cells.next()?);
        let tried_by = cells.next()?.split(", ").filter(|name| *name != "–").map(str::to_owned).collect();
        Some(Site { place, operation, tried_by })
    };
    lines.filter_map(site).collect()
}

/// The caller of AWS, from the stack: the innermost function of the list. `None` for calls of the
/// laboratory itself.
pub(crate) fn caller(sites: &[Site], operation: &str, stack: &Backtrace) -> Option<String> {
    let stack = format!("{stack:#}");
    let of_operation: Vec<_> = sites.iter().filter(|site| site.operation == operation).collect();
    stack.lines().find_map(|line| {
        let (path, position) = line.trim().strip_prefix("at ")?.split_once(".rs:")?;
        let path = format!("{path}.rs");
        let mut in_file = of_operation.iter().filter(|site| path.ends_with(site.file())).peekable();
        in_file.peek()?;
        // The names of async functions are not in the stack, but their lines are.
        let name = function_at(&path, position.split(':').next()?.parse().ok()?)?;
        in_file.find(|site| site.place.ends_with(&format!("::{name}"))).map(|site| site.place.clone())
    })
}

impl Site {
    fn file(&self) -> &str {
        self.place.split("::").next().unwrap_or_default()
    }
}

/// The function around a line: the last one that begins before it.
fn function_at(path: &str, line: usize) -> Option<String> {
    let source = std::fs::read_to_string(path).ok()?;
    let begins = |line: &str| {
        let (before, after) = line.split_once("fn ")?;
        let is_one = before.split_whitespace().all(|word| ["pub", "pub(crate)", "async", "const"].contains(&word));
        let name = after.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
        is_one.then(|| name.to_owned())
    };
    source.lines().take(line).filter_map(begins).last()
}
