//! `POST /v1/events`.

use axum::Json;
use axum::extract::State;
use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::kernel::budget::BudgetName;
use domain::kernel::failure::Failure;
use domain::kernel::timestamp::Timestamp;
use domain::tracking::batch::{AcceptedBatch, BatchId, MESSAGE_VERSION};
use domain::tracking::event::one_title_each;
use domain::tracking::filter::{RULES_VERSION, Sender, believe_codes, classify};
use edge::auth::TokenHolder;
use edge::body::Body;
use edge::client::Client;
use edge::problem::{Code, Problem};
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::known::Existing;
use crate::new_batch::{CheckedBatch, DroppedEvent, NewBatch};

/// The batch was accepted. Each of its events but the dropped ones is counted once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// The id of the batch, as sent.
    #[schema(format = "uuid")]
    batch_id: BatchId,
    /// How many events were accepted.
    accepted: usize,
    /// The events that were not, in their order: all others of the batch were. Do not send them again.
    #[schema(max_items = 100)]
    dropped: Vec<DroppedEvent>,
    /// Whether nothing of the batch is recorded because the visitor has paused it; then `accepted` is 0.
    paused: bool,
    /// When the server received it.
    received_at: Timestamp,
}

/// Record events
///
/// Accepts a batch of events. They appear in the radar some seconds later. Invalid events, and those
/// on cards that do not exist, are dropped: `dropped` names each with its reason, and the others are
/// accepted. Of visitors who have paused the recording nothing is accepted. Delete the batch after any
/// answer 202, also if all its events were dropped. Callers:
/// everyone with a token, also an anonymous one. Idempotent by `batch_id`: send the same batch again
/// after a time-out. Errors: 409 `batch_id_reused` when other events were just sent under the batch id:
/// send these under a new one.
#[utoipa::path(post, path = "/v1/events", tag = "tracking",
    extensions(("x-budgets" = json!(["events", "address_events", "company_events", "company_anonymous_events"]))), request_body = NewBatch,
    responses((status = 202, body = Accepted)))]
pub(crate) async fn record_events(
    State(app): State<App>,
    holder: TokenHolder,
    client: Client,
    headers: HeaderMap,
    Body(new): Body<NewBatch>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let received_at = app.clock.now();
    let mut sent = new.checked(received_at)?;
    afford(sent.size, &holder, &client, received_at)?;
    if app.known.is_reused(holder.person(), sent.id, &sent.fingerprint) {
        return Err(Problem::of(Code::BatchIdReused));
    }
    if holder.is_paused() {
        return Ok(not_recorded(sent.id, received_at));
    }
    let existing = app.known.existing(holder.company(), &sent.events, received_at).await?;
    sent.drop_unknown(|card| existing.cards.contains_key(card));
    let (batch, dropped) = judged(sent, existing, &holder, &headers, received_at);
    app.accept(&batch).await?;
    let (batch_id, accepted) = (batch.batch, batch.events.len());
    Ok((StatusCode::ACCEPTED, Json(Accepted { batch_id, accepted, dropped, paused: false, received_at })))
}

/// The answer to a visitor who has paused the recording.
fn not_recorded(batch_id: BatchId, received_at: Timestamp) -> (StatusCode, Json<Accepted>) {
    (StatusCode::ACCEPTED, Json(Accepted { batch_id, accepted: 0, dropped: Vec::new(), paused: true, received_at }))
}

impl App {
    /// Sends a batch to be counted, unless nothing of it is right.
    async fn accept(&self, batch: &AcceptedBatch) -> Result<(), Failure> {
        if batch.events.is_empty() {
            return Ok(());
        }
        self.queues.send(batch).await?;
        self.known.note_accepted(batch);
        Ok(())
    }
}

/// A batch as it is counted, judged by what exists and by who has sent it; and what was dropped of it.
fn judged(
    sent: CheckedBatch,
    Existing { cards: mut departments, codes }: Existing,
    holder: &TokenHolder,
    headers: &HeaderMap,
    received_at: Timestamp,
) -> (AcceptedBatch, Vec<DroppedEvent>) {
    let (batch, fingerprint) = (sent.id, sent.fingerprint.clone());
    let (mut events, dropped) = sent.at_server_times(received_at);
    departments.retain(|_, path| !path.is_empty());
    believe_codes(&codes, &mut events);
    one_title_each(&mut events);
    classify(sender(holder, headers), &mut events);
    let (company, person, anonymous) = (holder.company().id(), holder.person(), holder.is_anonymous());
    let (v, rules) = (MESSAGE_VERSION, RULES_VERSION);
    let batch =
        AcceptedBatch { v, company, person, batch, fingerprint, received_at, anonymous, rules, departments, events };
    (batch, dropped)
}

/// Takes the events, dropped ones too, from the budgets of their sender, of the address and of the company.
fn afford(events: usize, holder: &TokenHolder, client: &Client, now: Timestamp) -> Result<(), Problem> {
    let (company, tokens) = (holder.company(), events as u64);
    let spend = |budget, subject| BudgetSpend { budget, subject, tokens };
    let anonymous = spend(BudgetName::CompanyAnonymousEvents, BudgetSubject::Company(company));
    let mut spends = vec![
        spend(BudgetName::Events, BudgetSubject::Person(company, holder.person())),
        spend(BudgetName::AddressEvents, client.address()),
        spend(BudgetName::CompanyEvents, BudgetSubject::Company(company)),
    ];
    spends.extend(holder.is_anonymous().then_some(anonymous));
    client.spend(&spends, now)
}

/// The input of the filter rules.
fn sender<'a>(holder: &TokenHolder, headers: &'a HeaderMap) -> Sender<'a> {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let membership = holder.membership();
    let (card, anonymous) = (membership.and_then(|membership| membership.card), holder.is_anonymous());
    Sender { agent, member: membership.is_some(), card, anonymous }
}
