//! Asking for uploads.

use domain::company::Company;
use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::kernel::budget::BudgetName;
use domain::kernel::failure::Failure;
use domain::kernel::field::FieldError;
use domain::kernel::id::{CardId, MemberId};
use domain::kernel::idempotency::Idempotency;
use domain::media::upload::{Format, Purpose, Upload, UploadError, UploadState};

use crate::Flow;

/// The member who asks for an upload.
#[derive(Debug, Clone, Copy)]
pub struct Uploader {
    /// The member.
    pub member: MemberId,
    /// Their own card.
    pub own_card: Option<CardId>,
    /// Whether they are admin or boss.
    pub is_admin: bool,
}

/// An upload to ask for.
#[derive(Debug, Clone, Copy)]
pub struct UploadToCreate {
    /// What it is for.
    pub purpose: Purpose,
    /// The format of the file.
    pub format: Format,
    /// Its size in bytes.
    pub bytes: u64,
    /// The card; `None` for the uploader's own.
    pub card: Option<CardId>,
}

/// Creates an upload once per request, and returns the one that the first such request
/// created.
///
/// # Errors
/// [`UploadError`]; [`Failure::NotFound`] for a card that does not exist.
pub async fn create(
    flow: &Flow<'_>,
    company: Company,
    by: Uploader,
    new: UploadToCreate,
    request: &Idempotency,
) -> Result<Upload, UploadError> {
    let UploadToCreate { purpose, format, bytes, card } = new;
    let needs_no_card = purpose == Purpose::CustomerTable && card.or(by.own_card).is_none();
    let card = if needs_no_card { None } else { Some(card_for(flow, company, by, purpose, card).await?) };
    purpose.check(format, bytes)?;
    let (id, state, created_at) = (flow.new_id()?, UploadState::Waiting, flow.now);
    let upload = Upload { id, purpose, format, bytes, card, member: by.member, state, used: false, created_at };
    let uploader = BudgetSubject::Member(company, by.member);
    let spends = [
        BudgetSpend::one(BudgetName::Uploads, uploader.clone()),
        BudgetSpend::bytes(BudgetName::UploadBytes, uploader, bytes),
        // Uploads of a company at the same moment wait for each other; one that is refused takes nothing.
        BudgetSpend::bytes(BudgetName::CompanyUploadBytes, BudgetSubject::Company(company), bytes),
    ];
    Ok(flow.store.create_upload(company, upload, request, &spends).await?)
}

/// The card that somebody may send a file for.
async fn card_for(
    flow: &Flow<'_>,
    company: Company,
    by: Uploader,
    purpose: Purpose,
    named: Option<CardId>,
) -> Result<CardId, UploadError> {
    let Some(card) = named.or(by.own_card) else {
        return Err(FieldError::new("required", "请选择名片").at("/card_id").into());
    };
    if by.own_card == Some(card) {
        return Ok(card);
    }
    if flow.store.existing_cards(company, &[card]).await?.is_empty() {
        return Err(Failure::NotFound.into());
    }
    // A voice introduction is in its member's own voice.
    let may = by.is_admin && purpose != Purpose::Voice;
    if may { Ok(card) } else { Err(UploadError::RoleRequired) }
}
