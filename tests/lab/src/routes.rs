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
    /// Where a text is in the last answer before, as a JSON pointer, and the text of the file that it replaces.
    pub(crate) take: Option<(&'static str, &'static str)>,
    /// The status, where it is not a success.
    pub(crate) status: Option<u16>,
    /// What the bill says beside the route.
    pub(crate) note: &'static str,
    /// A text of the file, and what stands there instead.
    pub(crate) instead: Option<(&'static str, &'static str)>,
    /// What asking again does that asking once does not; empty for what may be repeated.
    pub(crate) again: &'static str,
}

const USUAL: Line =
    Line { operation: "", case: "", before: &[], take: None, status: None, note: "", instead: None, again: "" };

const LINES: &[Line] = &[
    Line { operation: "grant_radar", again: "says that no SMS is needed", ..USUAL },
    Line { operation: "get_member_radar", before: &["grant_radar"], ..USUAL },
    Line { operation: "revoke_radar", before: &["grant_radar"], ..USUAL },
    Line { operation: "create_radar_code", case: "create_radar_code.not_granted", before: &["grant_radar"], ..USUAL },
    Line {
        operation: "update_department",
        case: "update_department.unknown",
        before: &["create_department"],
        take: Some(("/id", "dep_00000000000000000000000000")),
        status: Some(409),
        note: "refused: it was changed meanwhile",
        ..USUAL
    },
    Line {
        operation: "delete_department",
        case: "delete_department.unknown",
        before: &["create_department"],
        take: Some(("/id", "dep_00000000000000000000000000")),
        ..USUAL
    },
    Line {
        operation: "get_department_metrics",
        case: "get_department_metrics.unknown",
        before: &["create_department"],
        take: Some(("/id", "dep_00000000000000000000000000")),
        note: "of a new one",
        ..USUAL
    },
    Line {
        operation: "get_department_today",
        case: "get_department_today.unknown",
        before: &["create_department"],
        take: Some(("/id", "dep_00000000000000000000000000")),
        note: "of a new one",
        ..USUAL
    },
    Line {
        operation: "get_department_days",
        case: "get_department_days.unknown",
        before: &["create_department"],
        take: Some(("/id", "dep_00000000000000000000000000")),
        note: "of a new one",
        ..USUAL
    },
    Line {
        operation: "get_department_behaviour",
        case: "get_department_behaviour.unknown",
        before: &["create_department"],
        take: Some(("/id", "dep_00000000000000000000000000")),
        note: "of a new one",
        ..USUAL
    },
    Line {
        operation: "get_department_filtered",
        case: "get_department_filtered.unknown",
        before: &["create_department"],
        take: Some(("/id", "dep_00000000000000000000000000")),
        note: "of a new one",
        ..USUAL
    },
    Line { operation: "clear_close_rate", before: &["set_close_rate"], ..USUAL },
    Line {
        operation: "delete_deal",
        case: "delete_deal.unknown",
        before: &["create_deal"],
        take: Some(("/deal_id", "dea_00000000000000000000000000")),
        ..USUAL
    },
    Line {
        operation: "get_invitation",
        case: "get_invitation.unknown",
        before: &["create_invitation"],
        take: Some(("/invitation/id", "inv_00000000000000000000000000")),
        ..USUAL
    },
    Line {
        operation: "revoke_invitation",
        case: "revoke_invitation.unknown",
        before: &["create_invitation"],
        take: Some(("/invitation/id", "inv_00000000000000000000000000")),
        ..USUAL
    },
    Line {
        operation: "update_member_successor",
        case: "update_member_successor.of_who_is_here",
        before: &["update_member_status"],
        ..USUAL
    },
    Line {
        operation: "decide_join_request",
        case: "decide_join_request.unknown",
        status: Some(404),
        note: "of a request that is not there",
        ..USUAL
    },
    Line {
        operation: "create_claim_code",
        case: "create_claim_code.of_who_has_joined",
        status: Some(409),
        note: "refused: the member has joined",
        ..USUAL
    },
    Line {
        operation: "create_radar_redemption",
        case: "create_radar_redemption.wrong_code",
        before: &["grant_radar"],
        status: Some(422),
        note: "a wrong code, which is counted with the same calls as the right one",
        again: "counts another wrong code",
        ..USUAL
    },
    Line {
        operation: "create_radar_join",
        case: "create_radar_join.unknown_ticket",
        before: &["grant_radar", "get_radar_qr"],
        take: Some(("/ticket", "0123456789abcdefghijklmnopqrstuv")),
        ..USUAL
    },
];

/// Asked with faults too, and not in the bill: the other ways through a route.
pub(crate) const OTHERS: &[Line] = &[
    Line { operation: "create_session", instead: Some((r#"\"visitor\""#, r#"\"newcomer\""#)), ..USUAL },
    Line {
        operation: "create_session",
        case: "create_session.unknown_invitation",
        before: &["create_invitation"],
        take: Some(("/invitation_code", "0123-4567-89ab-cdef")),
        ..USUAL
    },
    Line {
        operation: "update_department",
        case: "update_department.unknown",
        before: &["create_department"],
        take: Some(("/id", "dep_00000000000000000000000000")),
        instead: Some((r#"\"version\": 0"#, r#"\"version\": 1"#)),
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
