//! Voice introductions: a member records one for a product, and visitors of the card hear it.

use axum::Json;
use axum::extract::State;
use domain::card::voice::Voice;
use domain::company::Company;
use domain::kernel::id::{CardId, ProductId, UploadId};
use domain::kernel::timestamp::Timestamp;
use domain::media::upload::{Purpose, Upload, unknown_upload};
use edge::auth::{Caller, Staff};
use edge::body::Body;
use edge::page::{PageBody, PageParams, Paging};
use edge::path::PathId;
use edge::problem::{Code, Problem};
use runtime::s3_signing::Signer;
use serde::{Deserialize, Serialize};
use store::VoiceToSet;
use utoipa::ToSchema;

use crate::App;
use crate::media::MediaBody;

/// The upload to use as a voice introduction.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VoiceUpdate {
    /// A ready upload for the card of the caller, or the upload that is used now. `null` for none.
    upload_id: Option<UploadId>,
}

/// The voice introduction of a product by a member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProductVoice {
    /// The product.
    product_id: ProductId,
    /// The voice introduction. `null` if there is none.
    voice: Option<VoiceBody>,
}

/// A voice introduction in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CardVoice {
    /// The product.
    product_id: ProductId,
    /// The voice introduction.
    voice: VoiceBody,
}

/// A voice introduction.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VoiceBody {
    /// The file.
    media: MediaBody,
    /// The duration, in milliseconds.
    duration_ms: u64,
    /// When it was last changed.
    updated_at: Timestamp,
}

/// Set my voice introduction of a product
///
/// Uses a ready upload as the voice introduction of a product by the caller, or removes it. The
/// last call wins. Callers: members who have a card. Idempotent. Errors: 403 `role_required` for
/// visitors; 404 `not_found` for members without a card; 409 `version_conflict` when it is changed
/// at the same moment; 422 `invalid` when the upload is not ready, was used before, or is for
/// something else.
#[utoipa::path(put, path = "/v1/products/{product_id}/voice", tag = "card", request_body = VoiceUpdate,
    responses((status = 200, body = ProductVoice)))]
pub(crate) async fn update_product_voice(
    State(app): State<App>,
    member: Staff,
    PathId(product): PathId<ProductId>,
    Body(update): Body<VoiceUpdate>,
) -> Result<Json<ProductVoice>, Problem> {
    let card = member.card().ok_or_else(|| Problem::of(Code::NotFound))?;
    let (company, now) = (member.company(), app.clock.now());
    let VoiceToSet { voice, upload } = app.store.voice_to_set(company, card, product, update.upload_id).await?;
    let new = match (update.upload_id, &voice) {
        (Some(wanted), Some(voice)) if voice.upload == wanted => Some(voice.clone()),
        (Some(_), _) => Some(usable(upload, card, product, now)?),
        (None, _) => None,
    };
    if new != voice {
        app.store.set_voice(company, card, voice.as_ref(), new.as_ref(), now).await?;
    }
    let signer = app.media.signer(now).await?;
    Ok(Json(ProductVoice { product_id: product, voice: new.map(|voice| body(&signer, company, &voice)) }))
}

/// List voice introductions of a card
///
/// Lists the voice introductions of products by the owner of a card, ordered by product. Callers:
/// everyone who has logged in, visitors included. Idempotent.
#[utoipa::path(get, path = "/v1/cards/{card_id}/voices", tag = "card", params(PageParams),
    responses((status = 200, body = PageBody<CardVoice>)))]
pub(crate) async fn list_card_voices(
    State(app): State<App>,
    caller: Caller,
    PathId(card): PathId<CardId>,
    paging: Paging,
) -> Result<Json<PageBody<CardVoice>>, Problem> {
    let page = app.store.voices(caller.company(), card, paging.position()?, paging.limit).await?;
    let signer = app.media.signer(app.clock.now()).await?;
    let line = |voice: Voice| CardVoice { product_id: voice.product, voice: body(&signer, caller.company(), &voice) };
    Ok(Json(paging.page(page.items.into_iter().map(line).collect(), page.next)))
}

/// The voice introduction of an upload.
fn usable(upload: Option<Upload>, card: CardId, product: ProductId, now: Timestamp) -> Result<Voice, Problem> {
    let checked = upload.ok_or_else(unknown_upload).and_then(|found| {
        let duration_ms = found.usable(card, Purpose::Voice, now)?;
        Ok(Voice { product, upload: found.id, duration_ms, updated_at: now })
    });
    checked.map_err(|error| Problem::field("/upload_id", &error))
}

fn body(signer: &Signer<'_>, company: Company, voice: &Voice) -> VoiceBody {
    let Voice { upload, duration_ms, updated_at, .. } = *voice;
    VoiceBody { media: MediaBody::new(signer, company, upload), duration_ms, updated_at }
}
