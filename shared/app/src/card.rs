//! Editing cards and what a company sets for all of them.

use domain::card::media::{CardMedia, MediaError};
use domain::card::template::CardTemplate;
use domain::card::{Card, Contact, Identity, OwnerInactive};
use domain::company::audit::{AuditAction, AuditActor, AuditEntry};
use domain::company::{Acting, Company};
use domain::kernel::failure::Failure;
use domain::kernel::id::{CardId, MemberId, UploadId};
use domain::kernel::idempotency::Idempotency;
use domain::media::upload::{Purpose, unknown_upload};
use domain::people::authority::Act;
use domain::people::member::Role;
use domain::radar::counter::Counts;
use serde::Serialize;
use store::{CardChange, CardView, CardWithUploads, NewCardContext};

use crate::Flow;

/// A card with the template it is shown under, and its lifetime counters.
pub type ShownCard = (Card, CardTemplate, Counts);

/// The card that somebody edits.
#[derive(Debug, Clone, Copy)]
pub struct CardToEdit {
    /// The company.
    pub company: Company,
    /// The card.
    pub card: CardId,
    /// The version the edit was made from.
    pub version: u64,
    /// Whom the audit log names; `None` for the owner, who changes their own card.
    pub audit_actor: Option<AuditActor>,
}

/// An edit of one part of a card's media.
#[derive(Debug, Clone)]
pub struct MediaEdit {
    /// What the uploads must be for.
    pub purpose: Purpose,
    /// What the part shows then, with a pointer to each.
    pub shown: Vec<(UploadId, String)>,
}

/// Creates the card of a member who has none, once per request.
///
/// # Errors
/// [`Failure::NotFound`] without such a member, [`Failure::Exists`] when they have a card.
pub async fn create(
    flow: &Flow<'_>,
    company: Company,
    member: MemberId,
    request: &Idempotency,
) -> Result<ShownCard, Failure> {
    let NewCardContext { profile, member, template } = flow.store.card_founding(company, member).await?;
    let identity = Identity { name: member.name.clone(), position: member.position.clone(), company: profile.name };
    let owner_gone = member.ended.map(|_| OwnerInactive::default());
    let card = Card::new(flow.new_id()?, member.id, identity, flow.now);
    let card = Card { owner_gone, department: member.department, ..card };
    let card = flow.store.create_card(company, card, &member, request).await?;
    Ok((card, template, Counts::new()))
}

/// Changes what a card shows of its owner besides their identity. `edit` returns the contact to
/// store, from the card and its template.
///
/// # Errors
/// Those of `edit`; [`Failure::VersionConflict`] when the card has changed since.
pub async fn edit_contact<E: From<Failure>>(
    flow: &Flow<'_>,
    to: CardToEdit,
    edit: impl FnOnce(&Card, &CardTemplate) -> Result<Contact, E>,
) -> Result<ShownCard, E> {
    let CardView { card: read, template, lifetime } = flow.store.card_to_edit(to.company, to.card).await?;
    let template = template.unwrap_or_default();
    let contact = edit(&read, &template)?;
    if !check_version(&read, to.version, &read.contact, &contact)? {
        return Ok((read, template, lifetime));
    }
    let audit = entry_unless_owner(flow, to, AuditAction::CardContact, &read.contact, &contact)?;
    let change = CardChange { read: &read, audit: audit.as_ref(), now: flow.now };
    let card = flow.store.edit_contact(to.company, change, contact).await?;
    Ok((card, template, lifetime))
}

/// Changes the name, position and company on a card, and those of its member: of whom the member who
/// acts may rename.
///
/// # Errors
/// [`Failure::VersionConflict`] when the card has changed since, [`Failure::RoleRequired`] when the
/// card's owner is above the member who acts.
pub async fn edit_identity(flow: &Flow<'_>, to: CardToEdit, identity: Identity) -> Result<ShownCard, Failure> {
    let CardView { card: read, template, lifetime } = flow.store.card_to_edit(to.company, to.card).await?;
    let template = template.unwrap_or_default();
    if !check_version(&read, to.version, &read.identity, &identity)? {
        return Ok((read, template, lifetime));
    }
    let audit = entry_unless_owner(flow, to, AuditAction::CardIdentity, &read.identity, &identity)?;
    let change = CardChange { read: &read, audit: audit.as_ref(), now: flow.now };
    let may = |by: Acting| Act::Rename.allowed_roles(by.role, by.member == read.member);
    let roles = to.company.actor().map_or_else(|| Role::ALL.to_vec(), may);
    let card = flow.store.edit_identity(to.company, change, identity, &roles).await?;
    Ok((card, template, lifetime))
}

/// Changes one part of a card's media: one read, one transaction.
///
/// # Errors
/// [`MediaError::Uploads`] when uploads cannot be used, [`Failure::VersionConflict`] when the
/// card has changed since.
pub async fn edit_media(
    flow: &Flow<'_>,
    to: CardToEdit,
    edit: MediaEdit,
    new: impl FnOnce(CardMedia) -> CardMedia,
) -> Result<ShownCard, MediaError> {
    let wanted: Vec<_> = edit.shown.iter().map(|(upload, _)| *upload).collect();
    let CardWithUploads { view, uploads } = flow.store.card_with_uploads(to.company, to.card, &wanted).await?;
    let CardView { card: read, template, lifetime } = view;
    let (template, media) = (template.unwrap_or_default(), new(read.media.clone()));
    if !check_version(&read, to.version, &read.media, &media)? {
        return Ok((read, template, lifetime));
    }
    let comes = media.without(&read.media);
    let mut errors = Vec::new();
    for (upload, pointer) in edit.shown.into_iter().filter(|(upload, _)| comes.contains(upload)) {
        let found = uploads.iter().find(|found| found.id == upload);
        let usable = found.ok_or_else(unknown_upload).and_then(|found| found.usable(to.card, edit.purpose, flow.now));
        errors.extend(usable.err().map(|error| (pointer, error)));
    }
    if !errors.is_empty() {
        return Err(MediaError::Uploads(errors));
    }
    let audit = entry_unless_owner(flow, to, AuditAction::CardMedia, &read.media, &media)?;
    let change = CardChange { read: &read, audit: audit.as_ref(), now: flow.now };
    let card = flow.store.edit_media(to.company, change, media).await?;
    Ok((card, template, lifetime))
}

/// Replaces a company's card template, and returns it as it is stored then.
///
/// # Errors
/// [`Failure::VersionConflict`] when the template has changed since, unless the stored one
/// equals the new one (a retry whose answer was lost).
pub async fn edit_template(
    flow: &Flow<'_>,
    company: Company,
    by: AuditActor,
    template: CardTemplate,
) -> Result<CardTemplate, Failure> {
    let audit = flow.audit_change(by, AuditAction::CardTemplate, company.id(), None, Some(&template))?;
    match flow.store.edit_card_template(company, &template, &audit).await {
        Err(Failure::VersionConflict) => {
            let stored = flow.store.card_template(company).await?;
            let same = (&stored.locks, &stored.defaults) == (&template.locks, &template.defaults);
            if same { Ok(stored) } else { Err(Failure::VersionConflict) }
        }
        done => done.map(|()| template),
    }
}

/// Returns whether an edit is left to be made.
///
/// # Errors
/// [`Failure::VersionConflict`] for an edit that was made from another version than is stored,
/// unless the stored value already equals the wanted one (a retry whose answer was lost).
fn check_version<T: PartialEq>(read: &Card, version: u64, stored: &T, wanted: &T) -> Result<bool, Failure> {
    match (read.version == version, stored == wanted) {
        (true, _) => Ok(true),
        (false, true) => Ok(false),
        (false, false) => Err(Failure::VersionConflict),
    }
}

/// Returns the audit entry of a change of a card; `None` when its owner makes it.
fn entry_unless_owner<T: Serialize>(
    flow: &Flow<'_>,
    to: CardToEdit,
    action: AuditAction,
    before: &T,
    after: &T,
) -> Result<Option<AuditEntry>, Failure> {
    let Some(actor) = to.audit_actor else { return Ok(None) };
    flow.audit_change(actor, action, to.card, Some(before), Some(after)).map(Some)
}
