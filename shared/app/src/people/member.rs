//! Adding and changing members.

use domain::card::{Card, Identity, Successor};
use domain::company::Company;
use domain::company::audit::{AuditAction, AuditActor};
use domain::company::department::DepartmentTree;
use domain::kernel::failure::Failure;
use domain::kernel::field::FieldError;
use domain::kernel::id::{DepartmentId, MemberId};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::timestamp::Timestamp;
use domain::people::authority::MemberAct;
use domain::people::claim_code;
use domain::people::member::{Member, MemberError, MemberStatus, PersonName, Position, Role, SeatChange};
use domain::people::session::is_fresh;
use store::{ClaimCodeIssued, MemberChange, NewMember};

use crate::Flow;
use crate::people::claim_code::ClaimCodes;
use crate::people::seat::take_seat;

/// The admin or boss who acts.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Which member.
    pub member: MemberId,
    /// Admin or boss.
    pub role: Role,
    /// When they logged in by WeChat.
    pub logged_in_at: Timestamp,
}

impl Head {
    /// The actor for the audit log.
    pub(crate) fn actor(self) -> AuditActor {
        AuditActor::Member(self.member)
    }

    /// Whether they may do this to a member.
    pub(crate) fn may(self, act: MemberAct, to: &Member) -> bool {
        act.is_allowed(self.role, to.role, self.member == to.id)
    }

    /// Whether they may let somebody in who becomes a member of this role.
    pub(crate) fn may_admit(self, role: Role) -> bool {
        MemberAct::Admit.is_allowed(self.role, role, false)
    }

    /// Refuses to let somebody in whom they may not let in.
    pub(crate) fn require_admission(self, role: Role, now: Timestamp) -> Result<(), Failure> {
        if !self.may_admit(role) {
            return Err(Failure::RoleRequired);
        }
        self.require_fresh_login(role, now)
    }

    /// Whoever lets in more than staff has logged in a moment ago: a stolen session makes no admin.
    pub(crate) fn require_fresh_login(self, role: Role, now: Timestamp) -> Result<(), Failure> {
        if role == Role::Staff || is_fresh(self.logged_in_at, now) {
            return Ok(());
        }
        Err(Failure::FreshLoginRequired)
    }
}

/// A member to add.
#[derive(Debug, Clone)]
pub struct MemberToAdd {
    /// Their name.
    pub name: PersonName,
    /// Their job title.
    pub position: Position,
    /// Their role.
    pub role: Role,
}

/// Adds a member with a card once per request, and returns the one that the first such
/// request added.
///
/// # Errors
/// [`MemberError::RoleRequired`] for a role that the acting member may not give.
pub async fn add(
    flow: &Flow<'_>,
    company: Company,
    by: Head,
    codes: &ClaimCodes,
    new: MemberToAdd,
    request: &Idempotency,
) -> Result<NewMember, MemberError> {
    let MemberToAdd { name, position, role } = new;
    by.require_admission(role, flow.now)?;
    let profile = flow.store.company(company).await?;
    let (id, card) = (flow.new_id()?, flow.new_id()?);
    let identity = Identity { name: name.clone(), position: position.clone(), company: profile.name };
    let card = Card::new(card, id, identity, flow.now);
    let member = Member { card: Some(card.id), ..Member::invited(id, name, position, role, flow.now) };
    let audit = flow.audit_entry(by.actor(), AuditAction::MemberAdded, id, "", role.name())?;
    let new = with_claim(flow, codes, member, Some(card));
    let attempt = || flow.store.add_member(company, new.clone(), &audit, request);
    Ok(take_seat(flow, company, attempt).await?)
}

/// Returns a new member with the claim that belongs to them.
pub fn with_claim(flow: &Flow<'_>, codes: &ClaimCodes, member: Member, card: Option<Card>) -> NewMember {
    let claim_hash = codes.hash(&codes.code(member.id, member.claim_number));
    NewMember { member, card, claim_hash, claim_expires_at: claim_code::expires_at(flow.now) }
}

/// Issues the next claim code of a member who has not joined yet, once per request.
///
/// # Errors
/// [`MemberError::AlreadyMember`] for an active member, [`MemberError::Inactive`] for a
/// disabled or former one, [`MemberError::RoleRequired`] for one above the acting member.
pub async fn issue_claim_code(
    flow: &Flow<'_>,
    company: Company,
    by: Head,
    codes: &ClaimCodes,
    id: MemberId,
    request: &Idempotency,
) -> Result<ClaimCodeIssued, MemberError> {
    let mut read = flow.store.claim_code_of(company, id, request, flow.now).await?;
    if !by.may(MemberAct::IssueClaimCode, &read.member) {
        return Err(MemberError::RoleRequired);
    }
    by.require_fresh_login(read.member.role, flow.now)?;
    if let Some(before) = read.before.take() {
        return Ok(before);
    }
    match read.member.status() {
        MemberStatus::Invited => {}
        MemberStatus::Active => return Err(MemberError::AlreadyMember),
        MemberStatus::Disabled | MemberStatus::Left => return Err(MemberError::Inactive),
    }
    let number = read.member.claim_number.saturating_add(1);
    let hash = codes.hash(&codes.code(id, number));
    let expires_at = claim_code::expires_at(flow.now);
    let issued = ClaimCodeIssued { member: Member { claim_number: number, ..read.member.clone() }, expires_at };
    let audit = flow.audit_entry(by.actor(), AuditAction::ClaimCodeIssued, id, "", expires_at.to_string())?;
    let attempt = || flow.store.issue_claim_code(company, &read, (issued.clone(), &hash), &audit, request);
    Ok(take_seat(flow, company, attempt).await?)
}

/// Changes a member's name and position, and returns the member as they stand then.
///
/// # Errors
/// [`MemberError::RoleRequired`] for one above the acting member.
pub async fn rename(
    flow: &Flow<'_>,
    company: Company,
    by: Head,
    id: MemberId,
    (name, position): (PersonName, Position),
) -> Result<Member, MemberError> {
    let read = flow.store.member(company, id).await?;
    if !by.may(MemberAct::Rename, &read) {
        return Err(MemberError::RoleRequired);
    }
    let after = Member { name, position, ..read.clone() };
    if after != read {
        let audit = flow.audit_entry(by.actor(), AuditAction::MemberEdited, id, read.called(), after.called())?;
        flow.store.edit_member(company, MemberChange { read: &read, audit: &audit }, &after).await?;
    }
    Ok(after)
}

/// Changes a member's status, and returns the member as they stand then.
///
/// # Errors
/// [`MemberError::RoleRequired`] for the acting member themselves and for one above them,
/// [`MemberError::Field`] for a status that cannot follow.
pub async fn set_status(
    flow: &Flow<'_>,
    company: Company,
    by: Head,
    id: MemberId,
    to: MemberStatus,
) -> Result<Member, MemberError> {
    let read = flow.store.member(company, id).await?;
    if !by.may(MemberAct::SetStatus, &read) {
        return Err(MemberError::RoleRequired);
    }
    let (ended, seat) = read.with_status(to)?;
    if read.status() == to {
        return Ok(read);
    }
    let audit = flow.audit_entry(by.actor(), AuditAction::MemberStatus, id, read.status().name(), to.name())?;
    let change = MemberChange { read: &read, audit: &audit };
    let attempt = || flow.store.set_member_ended(company, change, ended, seat);
    match seat {
        SeatChange::Take => take_seat(flow, company, attempt).await?,
        SeatChange::Keep | SeatChange::GiveBack | SeatChange::Release => attempt().await?,
    }
    let successor = ended.and(read.successor);
    Ok(Member { ended, successor, ..read })
}

/// Changes a member's role, and returns the member as they stand then.
///
/// # Errors
/// [`MemberError::RoleRequired`] for the boss's own role.
pub async fn set_role(
    flow: &Flow<'_>,
    company: Company,
    by: Head,
    id: MemberId,
    role: Role,
) -> Result<Member, MemberError> {
    let read = flow.store.member(company, id).await?;
    if !by.may(MemberAct::SetRole, &read) {
        return Err(MemberError::RoleRequired);
    }
    if read.role != role {
        let audit = flow.audit_entry(by.actor(), AuditAction::MemberRole, id, read.role.name(), role.name())?;
        flow.store.set_member_role(company, MemberChange { read: &read, audit: &audit }, role).await?;
    }
    Ok(Member { role, ..read })
}

/// Puts a member into a department, or out of any, and returns the member as they stand then, with
/// the departments.
///
/// # Errors
/// [`MemberError::RoleRequired`] for one above the acting member,
/// [`MemberError::UnknownDepartment`].
pub async fn place(
    flow: &Flow<'_>,
    company: Company,
    by: Head,
    id: MemberId,
    to: Option<DepartmentId>,
) -> Result<(Member, DepartmentTree), MemberError> {
    let (read, tree) = flow.store.member_and_departments(company, id).await?;
    if !by.may(MemberAct::Place, &read) {
        return Err(MemberError::RoleRequired);
    }
    if to.is_some_and(|to| tree.get(to).is_none()) {
        return Err(MemberError::UnknownDepartment);
    }
    if read.department != to {
        let name = |department: Option<DepartmentId>| department.map_or_else(String::new, |id| id.to_string());
        let (from, after) = (name(read.department), name(to));
        let audit = flow.audit_entry(by.actor(), AuditAction::MemberDepartment, id, from, after)?;
        flow.store.set_member_department(company, MemberChange { read: &read, audit: &audit }, to).await?;
    }
    Ok((Member { department: to, ..read }, tree))
}

/// Names the successor of a disabled or former member, and returns the member as they stand
/// then.
///
/// # Errors
/// [`MemberError::RoleRequired`] for one above the acting member, [`MemberError::Active`] for
/// an active one, [`MemberError::NoCard`] for one without a card, [`MemberError::Field`] for
/// a successor who cannot take over.
pub async fn set_successor(
    flow: &Flow<'_>,
    company: Company,
    by: Head,
    id: MemberId,
    to: Option<MemberId>,
) -> Result<Member, MemberError> {
    let (read, other) = flow.store.member_and_other(company, id, to).await?;
    if !by.may(MemberAct::NameSuccessor, &read) {
        return Err(MemberError::RoleRequired);
    }
    if read.ended.is_none() {
        return Err(MemberError::Active);
    }
    let card = read.card.ok_or(MemberError::NoCard)?;
    if read.successor == to {
        return Ok(read);
    }
    let successor = to.map(|member| successor(member, other)).transpose()?;
    let name = |member: Option<MemberId>| member.map(|member| member.to_string()).unwrap_or_default();
    let audit = flow.audit_entry(by.actor(), AuditAction::MemberSuccessor, id, name(read.successor), name(to))?;
    let change = MemberChange { read: &read, audit: &audit };
    flow.store.set_successor(company, change, (card, successor)).await?;
    Ok(Member { successor: to, ..read })
}

/// The card that takes over, if its owner can.
fn successor(id: MemberId, found: Option<Member>) -> Result<(MemberId, Successor), FieldError> {
    let refused = |code, detail| FieldError::new(code, detail).at("/member_id");
    let member = found.ok_or_else(|| refused("unknown_member", "成员不存在"))?;
    match (member.status(), member.card) {
        (MemberStatus::Active, Some(card)) => Ok((id, Successor { card, name: member.name })),
        (MemberStatus::Active, None) => Err(refused("not_allowed", "接任者还没有名片")),
        _ => Err(refused("not_allowed", "接任者应为在职成员")),
    }
}
