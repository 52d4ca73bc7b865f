//! Activating radars: admins grant, send codes and revoke; members redeem and join.

use domain::company::Company;
use domain::company::audit::AuditAction;
use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::kernel::budget::BudgetName;
use domain::kernel::failure::Failure;
use domain::kernel::id::MemberId;
use domain::kernel::idempotency::Idempotency;
use domain::kernel::mobile::Mobile;
use domain::people::activation::{
    Activation, ActivationError, ActivationRefusal, ActivationState, ActivationStep, RadarCode, SentCode,
};
use domain::people::authority::MemberAct;
use domain::people::member::Member;
use store::{CodeSent, RadarOf};
use wechat::SmsError;

use crate::Flow;
use crate::people::member::Head;
use crate::people::radar_code::{RadarCodes, Ticket};

/// A code that waits to be sent.
pub struct CodeDraft<A> {
    /// The account that sends it.
    pub account: A,
    /// The code.
    pub code: RadarCode,
    /// What is stored of it.
    pub kept: SentCode,
}

/// Makes radar codes and sends them.
pub trait CodeChannel: Sync {
    /// What sends a code.
    type Account: Send + Sync;

    /// Returns a new code of a member; `None` while the channel is off.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] when it is not known whether the channel is on.
    fn draft(
        &self,
        flow: &Flow<'_>,
        member: MemberId,
    ) -> impl Future<Output = Result<Option<CodeDraft<Self::Account>>, Failure>> + Send;

    /// Whether text messages are sent to the country of the number.
    fn allows(&self, to: &Mobile) -> bool;

    /// Sends a code.
    ///
    /// # Errors
    /// Those of the vendor; they hold neither number nor code.
    fn send(
        &self,
        flow: &Flow<'_>,
        draft: &CodeDraft<Self::Account>,
        to: &Mobile,
    ) -> impl Future<Output = Result<(), SmsError>> + Send;
}

/// The result of the SMS of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsOutcome {
    /// It was sent.
    Sent,
    /// It was not sent; the grant stands.
    Failed,
    /// The channel is off.
    NotConfigured,
    /// The radar was granted before.
    NotNeeded,
}

impl SmsOutcome {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::NotConfigured => "not_configured",
            Self::NotNeeded => "not_needed",
        }
    }
}

/// Grants a member the radar, and sends them a code. Granting again changes nothing and sends
/// nothing.
///
/// # Errors
/// [`ActivationError`].
pub async fn grant(
    flow: &Flow<'_>,
    company: Company,
    by: Head,
    channel: &impl CodeChannel,
    (member, phone): (MemberId, Mobile),
) -> Result<(Activation, SmsOutcome), ActivationError> {
    let RadarOf { member: found, activation: before, .. } = flow.store.radar_of(company, member, None).await?;
    require_authority(by, &found)?;
    require_not_ended(&found)?;
    let draft = channel.draft(flow, member).await?;
    let kept = draft.as_ref().map(|draft| draft.kept.clone());
    let after = before.after(ActivationStep::Grant(phone.clone(), kept), flow.now)?;
    if after == before {
        return Ok((after, SmsOutcome::NotNeeded));
    }
    let (from, to) = states(&before, &after);
    let audit = flow.audit_entry(by.actor(), AuditAction::RadarGranted, member, from, to)?;
    let spends = sms_spends(company, channel, draft.is_some(), &after)?;
    match flow.store.change_activation_of(company, &found, (&before, &after), &audit, &spends).await {
        // The number or the company has got as many messages as it may: the QR code is left.
        Err(Failure::OverBudget(_)) => {
            let after = before.after(ActivationStep::Grant(phone, None), flow.now)?;
            flow.store.change_activation_of(company, &found, (&before, &after), &audit, &[]).await?;
            return Ok((after, SmsOutcome::Failed));
        }
        stored => stored?,
    }
    match send(flow, channel, draft.as_ref(), &after).await {
        Ok(sms) => Ok((after, sms)),
        Err(_) => Ok((without_code(flow, company, after).await, SmsOutcome::Failed)),
    }
}

/// Sends a member a new code once per request. Returns what the first such request sent.
///
/// # Errors
/// [`ActivationError`]; [`ActivationError::NotSent`] when the vendor did not take the SMS.
pub async fn send_code(
    flow: &Flow<'_>,
    company: Company,
    by: Head,
    channel: &impl CodeChannel,
    member: MemberId,
    request: &Idempotency,
) -> Result<CodeSent, ActivationError> {
    let found = flow.store.radar_of(company, member, Some((request, flow.now))).await?;
    require_authority(by, &found.member)?;
    require_not_ended(&found.member)?;
    if let Some(before) = found.before {
        return Ok(before);
    }
    let draft = channel.draft(flow, member).await?;
    let kept = draft.as_ref().map(|draft| draft.kept.clone());
    let nonce = kept.as_ref().map(|kept| kept.nonce.clone()).unwrap_or_default();
    let after = found.activation.after(ActivationStep::Resend(kept), flow.now)?;
    let own = CodeSent { nonce, at: flow.now };
    let (from, to) = states(&found.activation, &after);
    let audit = flow.audit_entry(by.actor(), AuditAction::RadarCode, member, from, to)?;
    let spends = sms_spends(company, channel, draft.is_some(), &after)?;
    let change = (&found.member, &after);
    let sent = flow.store.replace_code(company, change, own.clone(), (request, &audit), &spends).await?;
    // A parallel retry that came first has sent the code itself.
    if sent == own
        && let Err(error) = send(flow, channel, draft.as_ref(), &after).await
    {
        if let Ok(after) = after.after(ActivationStep::SendFailed(own.nonce), flow.now) {
            flow.store.take_code_back(company, &after, request).await?;
        }
        return Err(ActivationError::NotSent(error.to_string()));
    }
    Ok(sent)
}

/// Revokes a member's radar, and returns how far it is then. Idempotent.
///
/// # Errors
/// [`ActivationError`].
pub async fn revoke(
    flow: &Flow<'_>,
    company: Company,
    by: Head,
    member: MemberId,
) -> Result<Activation, ActivationError> {
    let RadarOf { member: found, activation: before, .. } = flow.store.radar_of(company, member, None).await?;
    require_authority(by, &found)?;
    let after = before.after(ActivationStep::Revoke, flow.now)?;
    if after != before {
        let (from, to) = states(&before, &after);
        let audit = flow.audit_entry(by.actor(), AuditAction::RadarRevoked, member, from, to)?;
        flow.store.change_activation_of(company, &found, (&before, &after), &audit, &[]).await?;
    }
    Ok(after)
}

/// Redeems a code that a member typed, and returns the ticket to join with.
///
/// # Errors
/// [`ActivationError::Refused`], with [`ActivationRefusal::NoCode`] for a wrong code.
pub async fn redeem(
    flow: &Flow<'_>,
    company: Company,
    codes: &RadarCodes,
    member: MemberId,
    typed: &RadarCode,
) -> Result<String, ActivationError> {
    let before = flow.store.activation(company, member).await?;
    let right = codes.is_right(&before, typed);
    let after = before.after(ActivationStep::Redeem { right }, flow.now)?;
    // A try counts before it is answered: of two at the same time one learns nothing.
    // The bucket that their claim and invitation codes take from, too.
    let person = company.actor().map(|acting| BudgetSubject::Person(company, acting.person));
    let guess = BudgetSpend::one(BudgetName::CodeGuesses, person.unwrap_or(BudgetSubject::Member(company, member)));
    flow.store.change_activation(company, &after, &[guess], flow.now).await?;
    codes.ticket(&after).ok_or(ActivationError::Refused(ActivationRefusal::NoCode))
}

/// Turns a member's radar on by the ticket of a QR code. Idempotent.
///
/// # Errors
/// [`ActivationError::NotActive`] for a member who was not granted the radar,
/// [`ActivationError::Refused`] with the other reasons.
pub async fn join(
    flow: &Flow<'_>,
    company: Company,
    codes: &RadarCodes,
    member: MemberId,
    ticket: &Ticket,
) -> Result<Activation, ActivationError> {
    let before = flow.store.activation(company, member).await?;
    let after = match codes.entry(company, &before, ticket) {
        Some(entry) => before.after(ActivationStep::Join(entry), flow.now).map_err(not_joined)?,
        // Followed before: the answer was lost on its way.
        None if matches!(before.state, ActivationState::Joined { .. }) => before.clone(),
        None => return Err(ActivationRefusal::Ticket.into()),
    };
    if after != before {
        flow.store.change_activation(company, &after, &[], flow.now).await?;
    }
    Ok(after)
}

/// To the member themselves, a radar that was not granted is off.
fn not_joined(refusal: ActivationRefusal) -> ActivationError {
    if refusal == ActivationRefusal::NotGranted { ActivationError::NotActive } else { refusal.into() }
}

/// Rejects an acting member who may not switch the radar of this one.
fn require_authority(by: Head, to: &Member) -> Result<(), ActivationError> {
    if by.may(MemberAct::SwitchRadar, to) { Ok(()) } else { Err(Failure::RoleRequired.into()) }
}

/// Rejects a disabled or former member.
fn require_not_ended(member: &Member) -> Result<(), ActivationError> {
    if member.ended.is_none() { Ok(()) } else { Err(ActivationError::MemberInactive) }
}

/// What a text message takes from the budgets of its number and of the company.
fn sms_spends(
    company: Company,
    channel: &impl CodeChannel,
    is_on: bool,
    to: &Activation,
) -> Result<Vec<BudgetSpend>, ActivationError> {
    let Some(mobile) = to.mobile.as_ref().filter(|_| is_on) else { return Ok(Vec::new()) };
    if !channel.allows(mobile) {
        return Err(ActivationError::CountryNotAllowed);
    }
    Ok(vec![
        BudgetSpend::one(BudgetName::SmsNumber, BudgetSubject::PhoneNumber(mobile.clone())),
        BudgetSpend::one(BudgetName::Sms, BudgetSubject::Company(company)),
    ])
}

/// Sends a draft after it was stored: a code nobody can redeem would be worse than none.
async fn send<C: CodeChannel>(
    flow: &Flow<'_>,
    channel: &C,
    draft: Option<&CodeDraft<C::Account>>,
    to: &Activation,
) -> Result<SmsOutcome, SmsError> {
    let (Some(draft), Some(mobile)) = (draft, &to.mobile) else { return Ok(SmsOutcome::NotConfigured) };
    let sent = channel.send(flow, draft, mobile).await;
    sent.map(|()| SmsOutcome::Sent).inspect_err(|error| tracing::warn!(%error, "a radar code was not sent"))
}

/// Returns the activation without the code that was not sent. The grant stands; if even this
/// write fails, the code that nobody knows expires by itself.
async fn without_code(flow: &Flow<'_>, company: Company, granted: Activation) -> Activation {
    let nonce = granted.code().map(|code| code.nonce.clone()).unwrap_or_default();
    let Ok(after) = granted.after(ActivationStep::SendFailed(nonce), flow.now) else { return granted };
    match flow.store.change_activation(company, &after, &[], flow.now).await {
        Ok(()) => after,
        Err(_) => granted,
    }
}

/// What the audit log shows of a step: the states, neither phone nor code.
fn states(before: &Activation, after: &Activation) -> (&'static str, &'static str) {
    (before.state.name(), after.state.name())
}
