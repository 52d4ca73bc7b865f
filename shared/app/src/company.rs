//! Companies: creating them, and what the platform operator sets for them.

pub mod book;

use domain::company::CompanyName;
use domain::company::audit::{AuditAction, AuditActor};
use domain::company::{Company, CompanyProfile, WeCom};
use domain::kernel::failure::Failure;
use domain::kernel::idempotency::Idempotency;
use domain::kernel::text::AppId;
use domain::people::member::{Member, PersonName, Position, Role};
use store::{NewCompany, NewMember};

use crate::Flow;
use crate::people::claim_code::ClaimCodes;
use crate::people::member::with_claim;
use crate::people::seat::take_seat;

/// A company to create.
#[derive(Debug, Clone)]
pub struct CompanyToCreate {
    /// Its name.
    pub name: CompanyName,
    /// The app id of its mini-program.
    pub appid: AppId,
    /// The name of its first boss.
    pub boss: PersonName,
    /// How many members it may have, the boss included.
    pub seats: u32,
}

/// Creates a company with its first boss once per request, and returns the one that the first
/// such request created.
///
/// # Errors
/// [`Failure::Exists`] when the mini-program belongs to a company.
pub async fn create(
    flow: &Flow<'_>,
    codes: &ClaimCodes,
    new: CompanyToCreate,
    request: &Idempotency,
) -> Result<NewCompany, Failure> {
    let CompanyToCreate { name, appid, boss, seats } = new;
    let profile =
        CompanyProfile { id: flow.new_id()?, name, appid, wecom: None, suspended: false, created_at: flow.now };
    let boss = Member::invited(flow.new_id()?, boss, Position::default(), Role::Boss, flow.now);
    let new = NewCompany { profile, boss: with_claim(flow, codes, boss, None), seats };
    flow.store.create_company(new, request, flow.now).await
}

/// Suspends a company, or ends its suspension. A repetition changes nothing.
///
/// # Errors
/// [`Failure::NotFound`] without such a company.
pub async fn set_suspended(flow: &Flow<'_>, company: Company, suspended: bool) -> Result<(), Failure> {
    let read = flow.store.company(company).await?;
    if read.suspended == suspended {
        return Ok(());
    }
    let name = |suspended| if suspended { "suspended" } else { "active" };
    let (actor, action) = (AuditActor::Operator, AuditAction::CompanyStatus);
    let (before, after) = (name(read.suspended), name(suspended));
    let audit = flow.audit_entry(actor, action, company.id(), before, after)?;
    flow.store.set_suspended(company, suspended, &audit).await
}

/// Adds a boss to a company once per request, for one in which no boss can be reached, and returns the
/// one that the first such request added.
///
/// # Errors
/// [`Failure::NotFound`] without such a company, [`Failure::Exhausted`] when no seat is left.
pub async fn add_boss(
    flow: &Flow<'_>,
    company: Company,
    codes: &ClaimCodes,
    name: PersonName,
    request: &Idempotency,
) -> Result<NewMember, Failure> {
    flow.store.company(company).await?;
    let boss = Member::invited(flow.new_id()?, name, Position::default(), Role::Boss, flow.now);
    let (actor, action) = (AuditActor::Operator, AuditAction::MemberAdded);
    let audit = flow.audit_entry(actor, action, boss.id, "", boss.role.name())?;
    let new = with_claim(flow, codes, boss, None);
    take_seat(flow, company, || flow.store.add_member(company, new.clone(), &audit, request)).await
}

/// Sets a company's WeCom application; `None` takes it away. Idempotent.
///
/// # Errors
/// [`Failure::NotFound`] without such a company.
pub async fn set_wecom(flow: &Flow<'_>, company: Company, wecom: Option<&WeCom>) -> Result<(), Failure> {
    let read = flow.store.company(company).await?;
    if read.wecom.as_ref() == wecom {
        return Ok(());
    }
    let (actor, action) = (AuditActor::Operator, AuditAction::Wecom);
    let audit = flow.audit_change(actor, action, company.id(), read.wecom.as_ref(), wecom)?;
    flow.store.set_wecom(company, wecom, &audit).await
}
