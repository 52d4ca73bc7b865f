//! `GET /v1/my/data`: what is recorded about the caller (我的数据), for visitors to see and to keep.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use domain::crm::customer::CardHistory;
use domain::crm::profile::ProfileField;
use domain::crm::record::KnownCustomer;
use domain::kernel::id::{CardId, PersonId};
use domain::kernel::mobile::Mobile;
use domain::kernel::timestamp::Timestamp;
use edge::auth::Caller;
use edge::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// What is recorded about a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyData {
    /// The ids under which it is recorded: those before the login, too.
    person_ids: Vec<PersonId>,
    /// The phone number that the person granted. `null` if none.
    phone: Option<String>,
    /// The cards on which something was recorded. The events are listed by `GET /v1/my/data/cards/{card_id}/events`.
    cards: Vec<MyCardHistory>,
    /// What the company's people have filled in about the person, by field.
    profile: BTreeMap<ProfileField, String>,
    /// How often the company's people have recorded a follow-up.
    follow_ups: usize,
}

/// What is recorded about a person on a card.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyCardHistory {
    /// The card.
    card_id: CardId,
    /// How often the person opened it.
    opened: u64,
    /// When they opened it last. `null` if never.
    last_opened_at: Option<Timestamp>,
    /// When they liked it. `null` if they do not.
    liked_at: Option<Timestamp>,
    /// When they saved its phone number. `null` if never.
    saved_at: Option<Timestamp>,
}

impl MyCardHistory {
    fn new((card_id, history): (CardId, &CardHistory)) -> Self {
        let at = |ms: Option<i64>| ms.map(Timestamp::from_millis);
        Self {
            card_id,
            opened: history.opened,
            last_opened_at: at(history.last_opened_ms),
            liked_at: at(history.liked_ms()),
            saved_at: at(history.saved_ms),
        }
    }
}

impl MyData {
    fn new(person: PersonId, known: &KnownCustomer, phone: Option<Mobile>) -> Self {
        let (merged, profile) = (known.merged(), known.profile());
        let mut person_ids: Vec<_> = known.identities.keys().chain(known.records.keys()).copied().collect();
        person_ids.push(person);
        person_ids.sort_unstable();
        person_ids.dedup();
        let filled = ProfileField::ALL.iter().map(|field| (*field, profile.text(*field).to_owned()));
        Self {
            person_ids,
            phone: phone.map(|phone| phone.reveal().to_owned()),
            cards: merged.state.cards_by_last_opening().into_iter().map(MyCardHistory::new).collect(),
            profile: filled.filter(|(_, text)| !text.is_empty()).collect(),
            follow_ups: known.follow_ups(),
        }
    }
}

/// Get what is recorded about me
///
/// Returns what is recorded about the caller in this company. `PUT /v1/my/tracking` pauses the recording,
/// `POST /v1/my/data/erasure` erases it. Callers: everyone who has logged in. Idempotent.
#[utoipa::path(get, path = "/v1/my/data", tag = "crm", responses((status = 200, body = MyData)))]
pub(crate) async fn get_my_data(State(app): State<App>, caller: Caller) -> Result<Json<MyData>, Problem> {
    let (company, person) = (caller.company(), caller.person());
    let (known, phone) = app.store.known_customer_and_phone(company, person).await?;
    Ok(Json(MyData::new(person, &known, phone)))
}
