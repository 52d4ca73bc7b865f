//! The register of item kinds: name, newest layout, and the module that reads and writes it.
//!
//! An item of a newer layout is rejected; all older ones stay readable.

use crate::table::item::Kind;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $layout:literal, $module:literal;)*) => {
        $($(#[$doc])* pub(crate) const $kind: Kind = Kind::new($name, $layout);)*

        /// All of them: name, newest layout, module.
        #[cfg(test)]
        const ALL: &[(&str, u32, &str)] = &[$(($name, $layout, $module)),*];
    };
}

kinds! {
    ACTIVATION = "activation", 1, "activation";
    AUDIT = "audit", 1, "audit";
    LEADERBOARDS = "boards", 1, "leaderboard";
    RANKING = "ranking", 1, "leaderboard";
    BREAKDOWN = "breakdown", 1, "breakdown";
    /// Layout 2 has tags, style, share phrase, welcome text and shortcuts in its contact. Media
    /// came later without a new layout: older code neither reads nor writes that attribute.
    CARD = "card", 2, "card";
    TEMPLATE = "card_template", 1, "template";
    MODEL = "close_rate_model", 1, "model";
    APP = "app", 1, "company";
    COMPANY = "company", 1, "company";
    /// In layout 1 gaps stood at the earlier of their two days; both are read.
    COUNTERS = "counters", 2, "counter";
    /// Layout 1 had no merge edges, seen days as bits; until layout 2 the state was a JSON text.
    CUSTOMER = "customer", 3, "customer";
    TREE = "departments", 1, "department";
    FEED_PAGE = "feed_page", 1, "feed";
    REQUEST = "request", 1, "idempotency";
    INVITATION = "invitation", 1, "invitation";
    INVITATION_CODE = "invitation_code", 1, "invitation";
    JOIN_REQUEST = "join_request", 1, "join";
    LIVE_MARK = "live_mark", 1, "live";
    LIVE_MESSAGE = "live_message", 1, "live";
    /// In layout 1 a socket was its end alone, without the member who watches.
    LIVE_STATE = "live_state", 2, "live";
    SEGMENT = "segment", 3, "log";
    /// An attribute for each company, named by its id.
    UNION = "union", 1, "login";
    CLAIM = "claim", 1, "member";
    MEMBER = "member", 1, "member";
    MERGE = "merge", 1, "merge";
    /// Layout 1 had no departments; code that does not know them would count for the company.
    /// Until layout 2 gaps stood at the earlier of their two days.
    PENDING = "pending_tally", 3, "pending_deltas";
    PERSON = "person", 1, "person";
    PHONE = "phone", 1, "phone";
    PROFILE = "profile", 1, "phone";
    HOLD = "hold", 1, "quota";
    QUOTA = "quota", 1, "quota";
    RECOUNT = "recount", 1, "recount";
    GREETING = "greeting", 1, "settings";
    PHRASES = "phrases", 1, "settings";
    SESSIONS = "sessions", 1, "session";
    SHARE = "share", 1, "share";
    /// Layout 1 had neither version nor model, and no rates set by hand.
    SHORTLIST = "shortlist", 2, "shortlist";
    SHORTLIST_REFRESH = "standing", 1, "shortlist_refresh";
    UPLOAD = "upload", 1, "upload";
    VOICE = "voice", 1, "voice";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn names_are_unique_and_layouts_begin_at_one() {
        let names: BTreeSet<_> = ALL.iter().map(|(name, ..)| name).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(ALL.iter().all(|(_, layout, _)| *layout >= 1));
    }

    #[test]
    fn each_kind_is_of_a_module_that_exists() {
        let files = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        let modules: BTreeSet<_> = files.iter().filter_map(|path| path.file_stem()?.to_str()).collect();
        for (name, _, module) in ALL {
            assert!(modules.contains(module), "{name} is of {module}");
        }
    }
}
