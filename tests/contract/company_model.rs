//! A company as the rules have it: whether each request of a history is allowed, and its effect.

use std::collections::BTreeMap;

use domain::kernel::id::MemberId;
use domain::people::member::{MemberStatus, Role};
use serde_json::Value;

/// What a token says, and the token.
#[derive(Debug, Clone)]
pub(crate) struct HistoryToken {
    pub(crate) member: MemberId,
    pub(crate) role: Role,
    pub(crate) rights: u32,
    pub(crate) text: String,
}

#[derive(Debug, Clone)]
pub(crate) enum HistoryRequest {
    SetRole { by: HistoryToken, of: MemberId, role: Role },
    SetStatus { by: HistoryToken, of: MemberId, to: &'static str },
    Add { by: HistoryToken, role: Role },
    Claim { of: MemberId },
    Invite { by: HistoryToken, role: Role, review: bool },
    Join { by: String },
    Decide { by: HistoryToken, request: String },
}

/// What the model knows of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelMember {
    pub(crate) role: Role,
    pub(crate) status: MemberStatus,
    pub(crate) rights: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct ModelLink {
    pub(crate) by: MemberId,
    pub(crate) role: Role,
    pub(crate) review: bool,
    pub(crate) code: Value,
}

#[derive(Debug, Clone)]
pub(crate) struct ModelCode {
    pub(crate) by: Option<MemberId>,
    pub(crate) role: Role,
    pub(crate) text: Value,
}

/// One company, as the rules have it.
#[derive(Debug, Clone, Default)]
pub(crate) struct CompanyModel {
    pub(crate) members: BTreeMap<MemberId, ModelMember>,
    pub(crate) links: BTreeMap<String, ModelLink>,
    pub(crate) codes: BTreeMap<MemberId, ModelCode>,
    pub(crate) waiting: BTreeMap<String, Role>,
}

/// Whom a role lets in: admins staff, bosses also admins.
pub(crate) fn lets_in(by: Role, role: Role) -> bool {
    by > role && role != Role::Boss && by != Role::Staff
}

impl CompanyModel {
    fn is_active(&self, member: MemberId) -> Option<Role> {
        let known = self.members.get(&member)?;
        (known.status == MemberStatus::Active).then_some(known.role)
    }

    fn stands(&self, token: &HistoryToken) -> bool {
        let known = &self.members[&token.member];
        self.is_active(token.member) == Some(token.role) && known.rights == token.rights
    }

    fn add(&mut self, member: &Value, role: Role, status: MemberStatus) -> Option<MemberId> {
        let id = member.as_str()?.parse().ok()?;
        self.members.insert(id, ModelMember { role, status, rights: 0 });
        Some(id)
    }

    /// Whether the request is allowed now; if so, its effect.
    pub(crate) fn apply(&mut self, request: &HistoryRequest, answer: &Value) -> bool {
        match request {
            HistoryRequest::SetRole { by, of, role } => {
                let allowed = self.stands(by) && by.role == Role::Boss && by.member != *of;
                let known = self.members.get_mut(of).filter(|_| allowed);
                known.is_some_and(|known| {
                    known.rights += u32::from(known.role != *role);
                    known.role = *role;
                    true
                })
            }
            HistoryRequest::SetStatus { by, of, to } => {
                let to = MemberStatus::settable(to).unwrap();
                let reaches = by.role == Role::Boss || by.role == Role::Admin && self.members[of].role == Role::Staff;
                if !self.stands(by) || !reaches || by.member == *of {
                    return false;
                }
                let known = self.members.get_mut(of).unwrap();
                known.rights += u32::from(known.status != to);
                known.status = to;
                true
            }
            HistoryRequest::Add { by, role } => {
                let allowed = self.stands(by) && lets_in(by.role, *role);
                let added = allowed.then(|| self.add(&answer["member"]["id"], *role, MemberStatus::Invited)).flatten();
                let code = ModelCode { by: Some(by.member), role: *role, text: answer["claim_code"].clone() };
                added.is_some_and(|id| self.codes.insert(id, code).is_none())
            }
            HistoryRequest::Claim { of } => {
                let code = &self.codes[of];
                let issuer = code.by.and_then(|by| self.is_active(by));
                let claimed = &self.members[of];
                let allowed = issuer.is_some_and(|by| lets_in(by, code.role))
                    && (claimed.status, claimed.role) == (MemberStatus::Invited, code.role);
                if allowed {
                    self.members.get_mut(of).unwrap().status = MemberStatus::Active;
                }
                allowed
            }
            HistoryRequest::Invite { by, role, review } => {
                let allowed = self.stands(by) && lets_in(by.role, *role);
                let (by, role, review, code) = (by.member, *role, *review, answer["invitation_code"].clone());
                let id = answer["invitation"]["id"].as_str().unwrap().to_owned();
                self.links.insert(id, ModelLink { by, role, review, code });
                allowed
            }
            HistoryRequest::Join { by } => {
                let link = self.links[by].clone();
                let allowed = self.is_active(link.by).is_some_and(|by| lets_in(by, link.role));
                if link.review {
                    let id = answer["join_request"]["id"].as_str().unwrap().to_owned();
                    self.waiting.insert(id, link.role);
                    return allowed;
                }
                allowed && self.add(&answer["member"]["id"], link.role, MemberStatus::Active).is_some()
            }
            HistoryRequest::Decide { by, request } => {
                let role = self.waiting[request];
                let allowed = self.stands(by) && lets_in(by.role, role);
                // Decided a moment before, the same way.
                let id: MemberId = answer["member_id"].as_str().unwrap().parse().unwrap();
                let known = self.members.contains_key(&id);
                allowed && (known || self.add(&answer["member_id"], role, MemberStatus::Active).is_some())
            }
        }
    }
}
