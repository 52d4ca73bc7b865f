//! How each route is asked for the bill.
//!
//! A route is asked with its own event file, `events/<function>/<operation_id>.json`, and
//! has to succeed. One that needs another file, or something to have happened before,
//! has a line here; nothing else has to be done for a new route.

/// A route that is not asked just like that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    /// The operation id.
    pub(crate) operation: &'static str,
    /// The event file; its name without function and ending.
    pub(crate) case: &'static str,
    /// Event files that are sent before, in this order; each has to succeed.
    pub(crate) before: &'static [&'static str],
    /// The name of a text in the last answer before, and the text of the file that it replaces.
    pub(crate) take: Option<(&'static str, &'static str)>,
    /// The status, where it is not a success.
    pub(crate) status: Option<u16>,
    /// What the bill says beside the route.
    pub(crate) note: &'static str,
}

const USUAL: Line = Line { operation: "", case: "", before: &[], take: None, status: None, note: "" };

const LINES: &[Line] = &[
    Line { operation: "get_member_radar", before: &["grant_radar"], ..USUAL },
    Line { operation: "revoke_radar", before: &["grant_radar"], ..USUAL },
    Line { operation: "create_radar_code", case: "create_radar_code.not_granted", before: &["grant_radar"], ..USUAL },
    Line {
        operation: "create_radar_redemption",
        case: "create_radar_redemption.wrong_code",
        before: &["grant_radar"],
        status: Some(422),
        note: "a wrong code, which is counted with the same calls as the right one",
        ..USUAL
    },
    Line {
        operation: "create_radar_join",
        case: "create_radar_join.unknown_ticket",
        before: &["grant_radar", "get_radar_qr"],
        take: Some(("ticket", "0123456789abcdefghijklmnopqrstuv")),
        ..USUAL
    },
];

/// How the operation is asked.
pub(crate) fn line(operation: &'static str) -> Line {
    let found = LINES.iter().find(|line| line.operation == operation).copied().unwrap_or(USUAL);
    let case = if found.case.is_empty() { operation } else { found.case };
    Line { operation, case, ..found }
}

/// Lines of operations that are no longer there.
pub(crate) fn left_over(operations: &[&str]) -> Vec<&'static str> {
    LINES.iter().map(|line| line.operation).filter(|operation| !operations.contains(operation)).collect()
}
