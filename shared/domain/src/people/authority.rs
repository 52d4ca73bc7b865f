//! Who may do what to whom: the one table of it.

use crate::kernel::timestamp::Timestamp;
use crate::people::member::{Member, Role};

/// What a member does to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberAct {
    /// Lets somebody in who becomes a member: adds, invites, decides about a request to join.
    Admit,
    /// Changes name and position, on the card too.
    Rename,
    /// Puts into a department.
    Place,
    /// Disables, removes or brings back.
    SetStatus,
    /// Gives another role.
    SetRole,
    /// Names who takes over.
    NameSuccessor,
    /// Issues a claim code.
    IssueClaimCode,
    /// Grants the radar, sends a code for it, revokes it.
    SwitchRadar,
    /// Sees the sessions and ends them.
    EndSessions,
}

impl MemberAct {
    /// Every act.
    pub const ALL: [Self; 9] = [
        Self::Admit,
        Self::Rename,
        Self::Place,
        Self::SetStatus,
        Self::SetRole,
        Self::NameSuccessor,
        Self::IssueClaimCode,
        Self::SwitchRadar,
        Self::EndSessions,
    ];

    /// Whether a member of role `by` may do this to a member of role `to`, who may be `oneself`.
    ///
    /// Staff change nobody. Admins change staff, and of themselves only what gives no right. The
    /// boss changes everybody, but neither makes a boss nor ends their own: so a company always
    /// keeps one.
    pub fn is_allowed(self, by: Role, to: Role, oneself: bool) -> bool {
        match (by, self) {
            (Role::Staff, _) | (Role::Admin, Self::SetRole) => false,
            (Role::Admin, Self::Rename | Self::Place) => oneself || to == Role::Staff,
            (
                Role::Admin,
                Self::Admit
                | Self::SetStatus
                | Self::NameSuccessor
                | Self::IssueClaimCode
                | Self::SwitchRadar
                | Self::EndSessions,
            ) => !oneself && to == Role::Staff,
            (Role::Boss, Self::Admit) => to != Role::Boss,
            (Role::Boss, Self::SetStatus | Self::SetRole) => !oneself,
            (
                Role::Boss,
                Self::Rename
                | Self::Place
                | Self::NameSuccessor
                | Self::IssueClaimCode
                | Self::SwitchRadar
                | Self::EndSessions,
            ) => true,
        }
    }

    /// The roles whose members may do this to another member of role `to`.
    pub fn allowed_to(self, to: Role) -> Vec<Role> {
        Role::ALL.into_iter().filter(|by| self.is_allowed(*by, to, false)).collect()
    }

    /// The lowest role whose members may do this to another member of role `to`.
    pub fn least_role(self, to: Role) -> Option<Role> {
        self.allowed_to(to).into_iter().min()
    }

    /// Whether what a member made at a moment, to do this to somebody of role `to`, still counts: they may
    /// do it now, and could all the time since.
    pub fn is_backed_by(self, maker: &Member, to: Role, made_at: Timestamp) -> bool {
        let may = maker.active_role().is_some_and(|role| self.is_allowed(role, to, false));
        may && self.least_role(to).is_some_and(|least| maker.has_had_rights_since(least) <= made_at)
    }

    /// The roles of those to whom a member of role `by` may do this.
    pub fn allowed_roles(self, by: Role, oneself: bool) -> Vec<Role> {
        Role::ALL.into_iter().filter(|to| self.is_allowed(by, *to, oneself)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row for each act: whom admins, and whom bosses, may do it to. `s`, `a`, `b` are others of
    /// that role, `o` is oneself.
    const TABLE: [(MemberAct, &str, &str); 9] = [
        (MemberAct::Admit, "s", "sa"),
        (MemberAct::Rename, "so", "sabo"),
        (MemberAct::Place, "so", "sabo"),
        (MemberAct::SetStatus, "s", "sab"),
        (MemberAct::SetRole, "", "sab"),
        (MemberAct::NameSuccessor, "s", "sabo"),
        (MemberAct::IssueClaimCode, "s", "sabo"),
        (MemberAct::SwitchRadar, "s", "sabo"),
        (MemberAct::EndSessions, "s", "sabo"),
    ];

    fn row(act: MemberAct, by: Role) -> String {
        let others = Role::ALL.into_iter().zip(["s", "a", "b"]);
        let others = others.filter(|(to, _)| act.is_allowed(by, *to, false)).map(|(_, name)| name);
        let oneself = (act != MemberAct::Admit && act.is_allowed(by, by, true)).then_some("o");
        others.chain(oneself).collect()
    }

    #[test]
    fn each_act_is_allowed_as_the_table_says() {
        assert_eq!(TABLE.map(|(act, ..)| act), MemberAct::ALL);
        for (act, admin, boss) in TABLE {
            assert_eq!(
                (row(act, Role::Staff), row(act, Role::Admin), row(act, Role::Boss)),
                (String::new(), admin.to_owned(), boss.to_owned()),
                "{act:?}"
            );
        }
    }

    #[test]
    fn both_ways_of_reading_the_table_agree() {
        for act in MemberAct::ALL {
            for (by, to) in Role::ALL.into_iter().flat_map(|by| Role::ALL.map(|to| (by, to))) {
                let allowed = act.is_allowed(by, to, false);
                assert_eq!(act.allowed_to(to).contains(&by), allowed, "{act:?} {by:?} {to:?}");
                assert_eq!(act.allowed_roles(by, false).contains(&to), allowed, "{act:?} {by:?} {to:?}");
            }
        }
    }

    #[test]
    fn nobody_but_the_boss_changes_somebody_of_their_own_or_a_higher_role() {
        for act in MemberAct::ALL {
            for by in [Role::Staff, Role::Admin] {
                let above = act.allowed_roles(by, false).into_iter().filter(|to| *to >= by);
                assert_eq!(above.count(), 0, "{act:?} by {by:?}");
            }
        }
    }

    #[test]
    fn nobody_gives_themselves_a_right_and_no_boss_ends_their_own() {
        for act in [MemberAct::SetStatus, MemberAct::SetRole] {
            assert!(Role::ALL.into_iter().all(|role| !act.is_allowed(role, role, true)), "{act:?}");
        }
        assert!(!MemberAct::SwitchRadar.is_allowed(Role::Admin, Role::Admin, true));
    }
}
