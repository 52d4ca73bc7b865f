//! `POST /v1/events`.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA256, digest};
use axum::Json;
use axum::extract::State;
use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::company::department::DepartmentPath;
use domain::kernel::budget::BudgetName;
use domain::kernel::field::FieldError;
use domain::kernel::id::CardId;
use domain::kernel::text::{Line, ShareCode};
use domain::kernel::timestamp::Timestamp;
use domain::tracking::batch::{AcceptedBatch, BatchId, CARDS_MAX, EVENTS_MAX, MESSAGE_VERSION};
use domain::tracking::event::{Event, EventKind, Object, ObjectType, TITLE_CHARS_MAX, Target, clamp};
use domain::tracking::filter::{RULES, Sender, classify};
use edge::auth::TokenHolder;
use edge::body::Body;
use edge::client::Client;
use edge::problem::{Code, FieldProblem, Problem};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;

/// Hex characters of a fingerprint: 64 bits tell two contents of one batch id apart.
const FINGERPRINT_CHARS: usize = 16;

/// A batch of events.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBatch {
    /// A UUIDv7. Make it once for a batch and send the same one with each retry. Its time must be
    /// at most 7 days old and at most 5 minutes ahead of the server.
    #[schema(format = "uuid")]
    batch_id: String,
    /// The events, on at most 10 different cards.
    #[schema(min_items = 1, max_items = 100)]
    events: Vec<NewEvent>,
}

/// An event.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEvent {
    /// What the visitor did.
    kind: EventKind,
    /// The card on which it was done.
    card_id: CardId,
    /// When it was done, by the clock of the client. The server moves times into the 7 days before
    /// the batch arrives.
    at: Timestamp,
    /// The object of the event. The card if absent. Required for views of products, articles and
    /// videos.
    object: Option<NewObject>,
    /// The share code that the visitor opened.
    share_code: Option<ShareCode>,
    /// How long the visitor stayed, in milliseconds, 0 to 3,600,000. Required for `dwell`, not
    /// allowed otherwise.
    duration_ms: Option<u64>,
}

/// The object of an event.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewObject {
    /// The type of the object.
    #[serde(rename = "type")]
    #[schema(value_type = ObjectType)]
    kind: String,
    /// The id of the object. Required for products, articles and videos.
    id: Option<String>,
    /// The title that the visitor saw.
    #[schema(value_type = Option<String>, max_length = 60)]
    title: Option<Line<TITLE_CHARS_MAX>>,
}

/// The batch was accepted. Each event is counted once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// The id of the batch, as sent.
    #[schema(format = "uuid")]
    batch_id: BatchId,
    /// How many events were accepted.
    accepted: usize,
    /// When the server received it.
    received_at: Timestamp,
}

/// Record events
///
/// Accepts a batch of events. They appear in the radar some seconds later. If one event is invalid,
/// the whole batch is refused; `errors` names each invalid event. Callers: everyone with a token,
/// also an anonymous one. Idempotent by `batch_id`: send the same batch again after a time-out.
/// Errors: 404 `not_found` when a card does not exist; `errors` names each.
#[utoipa::path(post, path = "/v1/events", tag = "tracking",
    extensions(("x-budgets" = json!(["events", "address_events", "company_events"]))), request_body = NewBatch,
    responses((status = 202, body = Accepted)))]
pub(crate) async fn record_events(
    State(app): State<App>,
    holder: TokenHolder,
    client: Client,
    headers: HeaderMap,
    Body(new): Body<NewBatch>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let received_at = app.clock.now();
    let (batch, mut events) = affordable(checked(new, received_at)?, &holder, &client, received_at)?;
    let cards = &events.iter().map(|event| event.card).collect();
    let mut departments = app.cards.places(holder.company(), cards, received_at).await?;
    refuse_unknown(&events, &departments)?;
    departments.retain(|_, path| !path.is_empty());
    let fingerprint = fingerprint(&events)?;
    for event in &mut events {
        event.at = clamp(event.at, received_at);
    }
    classify(&RULES, sender(&holder, &headers), &mut events);
    let (v, company, person, rules) = (MESSAGE_VERSION, holder.company().id(), holder.person(), RULES.version);
    let batch = AcceptedBatch { v, company, person, batch, fingerprint, received_at, rules, departments, events };
    app.queues.send(&batch).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { batch_id: batch.batch, accepted: batch.events.len(), received_at })))
}

/// The batch, once its events are taken from the budgets of its sender, of the address and of the
/// company.
fn affordable(
    (batch, events): (BatchId, Vec<Event>),
    holder: &TokenHolder,
    client: &Client,
    now: Timestamp,
) -> Result<(BatchId, Vec<Event>), Problem> {
    let (company, tokens) = (holder.company(), events.len() as u64);
    let spend = |budget, subject| BudgetSpend { budget, subject, tokens };
    let spends = [
        spend(BudgetName::Events, BudgetSubject::Person(company, holder.person())),
        spend(BudgetName::AddressEvents, client.address()),
        spend(BudgetName::CompanyEvents, BudgetSubject::Company(company)),
    ];
    client.spend(&spends, now)?;
    Ok((batch, events))
}

/// The input of the filter rules.
fn sender<'a>(holder: &TokenHolder, headers: &'a HeaderMap) -> Sender<'a> {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let membership = holder.membership();
    Sender { agent, member: membership.is_some(), card: membership.and_then(|membership| membership.card) }
}

/// All checks that need no call; returns an error for every bad event.
fn checked(new: NewBatch, received_at: Timestamp) -> Result<(BatchId, Vec<Event>), Problem> {
    let batch = BatchId::parse(&new.batch_id, received_at).map_err(|error| Problem::field("/batch_id", &error))?;
    if new.events.is_empty() || new.events.len() > EVENTS_MAX {
        let error = FieldError::new("invalid_count", format!("每批应有 1 到 {EVENTS_MAX} 个事件"));
        return Err(Problem::field("/events", &error));
    }
    let (mut events, mut errors) = (Vec::with_capacity(new.events.len()), Vec::new());
    for (position, event) in new.events.into_iter().enumerate() {
        match event.checked() {
            Ok(event) => events.push(event),
            Err(error) => errors.push(FieldProblem::new(&format!("/events/{position}"), &error)),
        }
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    if events.iter().map(|event| event.card).collect::<BTreeSet<_>>().len() > CARDS_MAX {
        let error = FieldError::new("too_many_cards", format!("每批最多涉及 {CARDS_MAX} 张名片"));
        return Err(Problem::field("/events", &error));
    }
    Ok((batch, events))
}

impl NewEvent {
    fn checked(self) -> Result<Event, FieldError> {
        let object = self.object.map(NewObject::checked).transpose()?;
        Event::checked(self.kind, self.card_id, object, self.share_code, self.at, self.duration_ms)
    }
}

impl NewObject {
    fn checked(self) -> Result<Object, FieldError> {
        let target = Target::parse(&self.kind, self.id.as_deref()).map_err(|error| {
            let pointer = if error.pointer == "/id" { "/object/id" } else { "/object/type" };
            error.at(pointer)
        })?;
        Ok(Object { target, title: self.title })
    }
}

fn refuse_unknown(events: &[Event], known: &BTreeMap<CardId, DepartmentPath>) -> Result<(), Problem> {
    let error = FieldError::new("unknown_card", "名片不存在").at("/card_id");
    let unknown = events.iter().enumerate().filter(|(_, event)| !known.contains_key(&event.card));
    let errors: Vec<_> =
        unknown.map(|(position, _)| FieldProblem::new(&format!("/events/{position}"), &error)).collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::of(Code::NotFound).with_errors(errors)) }
}

/// Computed from the events as sent, before their times are clamped: the same on every retry.
fn fingerprint(events: &[Event]) -> Result<String, Problem> {
    use domain::kernel::failure::Failure;
    let json = serde_json::to_vec(events).map_err(|error| Failure::Corrupt(error.to_string()))?;
    let hex: String = digest(&SHA256, &json).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(hex[..FINGERPRINT_CHARS].to_owned())
}
