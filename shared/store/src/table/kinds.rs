//! The register of item kinds: name, newest layout, and the one module that writes it. Others may
//! read it.
//!
//! An item of a newer layout is rejected; all older ones stay readable.

use crate::table::item::Kind;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $layout:literal, $module:literal;)*) => {
        $($(#[$doc])* pub(crate) const $kind: Kind = Kind::new($name, $layout);)*

        /// All of them, and the module of each.
        #[cfg(test)]
        const ALL: &[(&str, Kind, &str)] = &[$((stringify!($kind), $kind, $module)),*];
    };
}

kinds! {
    ACTIVATION = "activation", 1, "activation";
    ASIDE = "aside", 1, "aside";
    AUDIT = "audit", 1, "audit";
    AUTOMATION = "automation", 1, "automation";
    AUTOMATION_HIT = "automation_hit", 1, "automation";
    AUTOMATION_NOTICE = "automation_notice", 1, "automation";
    /// With layout 1 the breakdowns are of layout 1, too: the next update splits them.
    LEADERBOARDS = "boards", 2, "leaderboard";
    /// In layout 1 the contenders were a JSON text.
    RANKING = "ranking", 2, "leaderboard";
    /// In layout 1 one item had all kinds of a day, as JSON texts.
    BREAKDOWN = "breakdown", 2, "breakdown";
    BUDGET = "budget", 1, "budget";
    /// Layout 2 has tags, style, share phrase, welcome text and shortcuts in its contact. Media
    /// came later without a new layout: older code neither reads nor writes that attribute.
    CARD = "card", 2, "card";
    TEMPLATE = "card_template", 1, "template";
    MODEL = "close_rate_model", 1, "model";
    APP = "app", 1, "company";
    COMPANY = "company", 1, "company";
    /// In layout 1 gaps stood at the earlier of their two days; both are read.
    COUNTERS = "counters", 2, "counter";
    /// Layout 1 had no merge edges, seen days as bits; until layout 2 the state was a JSON text;
    /// until layout 3 it did not tell who has logged in, nor what they have done lately; until layout
    /// 4 not who is a member.
    CUSTOMER = "customer", 5, "customer";
    CUSTOM_FIELD_BOOK = "custom_field_book", 1, "book";
    FREIGHT_BOOK = "freight_book", 1, "book";
    CUSTOMER_RECORD = "customer_record", 1, "record";
    ERASURE = "erasure", 1, "erasure";
    CUSTOMER_ROW = "customer_row", 1, "list";
    LIST_BLOCK = "list_block", 1, "list_blocks";
    LIST_CHANGE = "list_change", 1, "list";
    LIST_COUNTS = "list_counts", 1, "list";
    LIST_HEAD = "list_head", 1, "list_blocks";
    CUSTOMER_RULES = "customer_rules", 1, "customer_rules";
    DRY_RUN = "dry_run", 1, "automation_dry_run";
    TREE = "departments", 1, "department";
    FOLLOW_UP = "follow_up", 1, "follow_up";
    FOLLOW_UP_PLAN = "follow_up_plan", 1, "follow_up_plan";
    FEED_PAGE = "feed_page", 1, "feed";
    HANDED_OVER = "handed_over", 1, "handover_move";
    HANDOVER = "handover", 1, "handover";
    HANDOVER_COUNTS = "handover_counts", 1, "handover_move";
    HANDOVER_LOCK = "handover_lock", 1, "handover";
    STAYING_THING = "staying_thing", 1, "handover";
    REQUEST = "request", 1, "idempotency";
    IMPORT_MARK = "import_mark", 1, "job";
    INVITATION = "invitation", 1, "invitation";
    INVITATION_CODE = "invitation_code", 1, "invitation";
    JOB = "job", 1, "job";
    JOB_INPUT = "job_input", 1, "job";
    JOB_SLOTS = "job_slots", 1, "job";
    JOIN_REQUEST = "join_request", 1, "join";
    LIVE_MARK = "live_mark", 1, "live";
    LIVE_MESSAGE = "live_message", 1, "live";
    /// In layout 1 a socket was its end alone, without the member who watches.
    LIVE_STATE = "live_state", 2, "live";
    ROW_ERROR = "row_error", 1, "job";
    TABLE_PREVIEW = "table_preview", 1, "import";
    /// Until layout 3 it did not tell who had not logged in.
    SEGMENT = "segment", 4, "log";
    /// An attribute for each company, named by its id.
    UNION = "union", 1, "login";
    CLAIM = "claim", 1, "member";
    MEMBER = "member", 1, "member";
    MEMBER_DIRECTORY = "member_directory", 1, "member_directory";
    MERGE = "merge", 1, "merge";
    /// Layout 1 had no departments; code that does not know them would count for the company.
    /// Until layout 2 gaps stood at the earlier of their two days.
    PENDING_DELTAS = "pending_tally", 3, "pending_deltas";
    PERSON = "person", 1, "person";
    PHONE = "phone", 1, "phone";
    PROFILE = "profile", 1, "phone";
    HOLD = "hold", 1, "quota";
    HOLDING = "holding", 1, "ownership";
    QUOTA = "quota", 1, "quota";
    RECYCLE_WARNING = "recycle_warning", 1, "recycling";
    RECOUNT = "recount", 1, "recount";
    GREETING = "greeting", 1, "settings";
    PHRASES = "phrases", 1, "settings";
    SESSIONS = "sessions", 1, "session";
    SHARE = "share", 1, "share";
    /// Layout 1 had neither version nor model, and no rates set by hand.
    SHORTLIST = "shortlist", 2, "shortlist";
    SHORTLIST_REFRESH = "standing", 1, "shortlist_refresh";
    STAFF = "staff", 1, "membership";
    TAG_BOOK = "tag_book", 1, "book";
    TIMELINE_ENTRY = "timeline_entry", 1, "timeline";
    UPLOAD = "upload", 1, "upload";
    VIEW_BOOK = "view_book", 1, "book";
    VOICE = "voice", 1, "voice";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }

    /// Each module of this crate and its code, without tests, comments and white space.
    fn modules() -> Vec<(String, String)> {
        let files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
        let code = |path: &Path| {
            let text = std::fs::read_to_string(path).unwrap();
            let shipped = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let lines = shipped.lines().filter(|line| !line.trim_start().starts_with("//"));
            lines.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect()
        };
        let modules = files.iter().map(|path| (name(path), code(path)));
        modules.filter(|(name, _)| !name.ends_with("_tests") && name != "kinds").collect()
    }

    /// Whether code makes items of a kind, or writes its tags.
    fn writes(code: &str, kind: &str) -> bool {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        [".encode(", ".item(", ".tags()", ".name", ".layout"].iter().any(|call| {
            let call = format!("{kind}{call}");
            code.match_indices(&call).any(|(at, _)| !code[..at].ends_with(is_word))
        })
    }

    #[test]
    fn names_are_unique_and_layouts_begin_at_one() {
        let names: BTreeSet<_> = ALL.iter().map(|(_, kind, _)| kind.name).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(ALL.iter().all(|(_, kind, _)| kind.layout >= 1));
    }

    #[test]
    fn each_kind_is_written_by_its_module_and_by_no_other() {
        let modules = modules();
        for (constant, _, module) in ALL {
            let writers = modules.iter().filter(|(_, code)| writes(code, constant));
            let writers: Vec<_> = writers.map(|(name, _)| name.as_str()).collect();
            assert_eq!(writers, [*module], "{constant}");
        }
    }

    #[test]
    fn no_module_makes_a_kind_of_its_own() {
        for (module, code) in modules() {
            let made = ["Kind::new(", "Kind{", "TYPE.to_owned(),text(\"", "\":type\",text(\""];
            let found: Vec<_> = made.into_iter().filter(|made| code.contains(made)).collect();
            let own: &[&str] = if module == "item" { &["Kind{"] } else { &[] };
            assert_eq!(found, own, "{module}");
        }
    }
}
