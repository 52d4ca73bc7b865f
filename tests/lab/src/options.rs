//! The options of a command: `--name value`, in any order.

/// The given options.
#[derive(Debug)]
pub(crate) struct Options<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Options<'a> {
    /// Parses the options; `None` if a name has no value, or is not in `known`.
    pub(crate) fn of(arguments: &[&'a str], known: &[&str]) -> Option<Self> {
        let pair = |pair: &[&'a str]| match pair {
            [name, value] => Some((name.strip_prefix("--").filter(|name| known.contains(name))?, *value)),
            _ => None,
        };
        arguments.chunks(2).map(pair).collect::<Option<_>>().map(Self)
    }

    /// The value of an option.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// A number; the default if it is not given.
    pub(crate) fn number(&self, name: &str, usual: u64) -> u64 {
        self.text(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("--{name} {text} is not a number")))
    }
}
