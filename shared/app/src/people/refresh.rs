//! Refreshing sessions, and ending them.

use domain::company::Company;
use domain::company::audit::AuditAction;
use domain::kernel::failure::Failure;
use domain::kernel::id::{MemberId, SessionId};
use domain::kernel::timestamp::Timestamp;
use domain::people::activation::Activation;
use domain::people::authority::MemberAct;
use domain::people::member::{Member, MemberError, MemberStatus};
use domain::people::session::{
    DeviceLabel, MemberSession, MemberSessions, RefreshClaims, RefreshError, RefreshStep, SessionChoice,
};
use runtime::retry::Policy;
use store::{RefreshContext, SessionError, SessionRefresh, SessionStart};

use crate::Flow;
use crate::people::member::Head;

/// A session with what its member may do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshedSession {
    /// The member.
    pub member: Member,
    /// The state of their radar's activation.
    pub activation: Activation,
    /// When they logged in by WeChat.
    pub logged_in_at: Timestamp,
    /// What the next refresh token says.
    pub next: RefreshClaims,
}

/// The session that a login begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionOfLogin {
    /// The device.
    pub(crate) device: DeviceLabel,
    /// The session that it replaces, if any.
    pub(crate) replaces: Option<SessionId>,
}

/// Begins a session of a member, whose sessions are `read`; the longest unused goes if there are too
/// many.
///
/// # Errors
/// [`Failure::Busy`] while others begin and end sessions of the same member.
pub(crate) async fn begin(
    flow: &Flow<'_>,
    company: Company,
    (member, read): (MemberId, MemberSessions),
    SessionOfLogin { device, replaces }: SessionOfLogin,
) -> Result<SessionId, Failure> {
    let id: SessionId = flow.new_id()?;
    let session = &MemberSession::begun(device, flow.now);
    let begun = flow.store.retry().run_with(Policy::TRANSACTION, read, |read| async move {
        // The answer to an attempt of before was lost.
        if read.find(id, flow.now).is_some() {
            return Ok(());
        }
        let start = SessionStart { member, id, session, displaced: read.displaced(replaces, flow.now) };
        match flow.store.begin_session(company, &read, &start).await {
            Ok(()) => Ok(()),
            Err(SessionError::Changed(now)) => Err((now, Failure::Busy)),
            Err(SessionError::Store(failure)) => Err((read, failure)),
        }
    });
    begun.await.map(|()| id).map_err(|(_, failure)| failure)
}

/// Has a session go on: with the rights that its member has now.
///
/// # Errors
/// [`RefreshError`]; after [`RefreshError::Reused`] the session has ended.
pub async fn refresh(
    flow: &Flow<'_>,
    company: Company,
    claims: RefreshClaims,
) -> Result<RefreshedSession, RefreshError> {
    let RefreshContext { member, activation, sessions, suspended } =
        flow.store.refresh_context(company, claims.member).await?;
    if suspended {
        return Err(Failure::CompanySuspended.into());
    }
    let Some(member) = member.filter(|member| member.status() == MemberStatus::Active) else {
        return Err(RefreshError::Ended);
    };
    // Sessions of somebody else who is this member now are not theirs to end.
    if member.person != Some(claims.person) {
        return Err(RefreshError::Ended);
    }
    let session = sessions.find(claims.session, flow.now).ok_or(RefreshError::Ended)?;
    let logged_in_at = session.logged_in_at;
    let counter = match session.step(claims.counter, flow.now) {
        RefreshStep::Next(next) => go_on(flow, company, claims, next).await?,
        RefreshStep::Repeated(counter) => counter,
        RefreshStep::Unknown => return Err(RefreshError::Ended),
        RefreshStep::Reused => {
            flow.store.end_sessions(company, &member, (&sessions, &[claims.session]), None).await?;
            return Err(RefreshError::Reused);
        }
    };
    Ok(RefreshedSession { member, activation, logged_in_at, next: RefreshClaims { counter, ..claims } })
}

/// Writes the next number of a session; returns it, also if a parallel refresh has written it.
async fn go_on(flow: &Flow<'_>, company: Company, claims: RefreshClaims, next: u32) -> Result<u32, RefreshError> {
    let RefreshClaims { member, session: id, .. } = claims;
    match flow.store.refresh_session(company, SessionRefresh { member, id, next, now: flow.now }).await {
        Ok(()) => Ok(next),
        Err(SessionError::Store(failure)) => Err(failure.into()),
        Err(SessionError::Changed(now)) => {
            match now.find(id, flow.now).map(|session| session.step(claims.counter, flow.now)) {
                Some(RefreshStep::Repeated(counter)) => Ok(counter),
                None => Err(RefreshError::Ended),
                // Refreshed twice in the time of one call.
                Some(_) => Err(Failure::Busy.into()),
            }
        }
    }
}

/// Ends sessions of the member who asks for it.
///
/// # Errors
/// [`Failure::NotFound`] for a session that is over or never was.
pub async fn end_own(
    flow: &Flow<'_>,
    company: Company,
    member: MemberId,
    choice: SessionChoice,
) -> Result<(), Failure> {
    let (member, read) = flow.store.member_and_sessions(company, member).await?;
    let ended = read.chosen(choice, flow.now)?;
    if ended.is_empty() {
        return Ok(());
    }
    flow.store.end_sessions(company, &member, (&read, &ended), None).await
}

/// Ends sessions of another member.
///
/// # Errors
/// [`MemberError::RoleRequired`] for one above the acting member, [`Failure::NotFound`] for a session
/// that is over or never was.
pub async fn end_of(
    flow: &Flow<'_>,
    company: Company,
    by: Head,
    id: MemberId,
    choice: SessionChoice,
) -> Result<(), MemberError> {
    let (member, read) = sessions_of(flow, company, by, id).await?;
    let ended = read.chosen(choice, flow.now)?;
    if ended.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = ended.iter().map(SessionId::to_string).collect();
    let audit = flow.audit_entry(by.actor(), AuditAction::SessionsEnded, id, names.join(" "), "")?;
    Ok(flow.store.end_sessions(company, &member, (&read, &ended), Some(&audit)).await?)
}

/// A member with their sessions, for somebody who may end them.
///
/// # Errors
/// [`MemberError::RoleRequired`] for one above the acting member.
pub async fn sessions_of(
    flow: &Flow<'_>,
    company: Company,
    by: Head,
    id: MemberId,
) -> Result<(Member, MemberSessions), MemberError> {
    let (member, sessions) = flow.store.member_and_sessions(company, id).await?;
    if by.may(MemberAct::EndSessions, &member) { Ok((member, sessions)) } else { Err(MemberError::RoleRequired) }
}
