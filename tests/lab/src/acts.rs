//! The actions that are tried with faults inside the laboratory: the routes, and the calls of a
//! schedule, a queue or a socket. Each is prepared in a company, and can then be repeated.

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use domain::kernel::timestamp::{DAY_MS, SECOND_MS};
use domain::media::upload::{Format, Purpose, Upload, media_key, quarantine_key};
use edge::budget::MemoryBudgets;
use edge::token::TokenVerifier;
use housekeeping::Housekeeping;
use live::{Live, Trigger};
use media_inspector::Inspector;
use media_inspector::file::Files;
use mingpian_tests::functions::{self, Functions};
use radar_aggregator::Aggregator;
use recount::Recounter;
use runtime::clients;
use runtime::failed_messages::FailedMessageQueues;
use runtime::sockets::Gateway;
use serde_json::{Value, json};
use testkit::events::{load, respond};

use crate::meter::{Route, all_routes, other_ways};
use crate::random::Random;
use crate::stage::delivery;
use crate::studio::Studio;
use crate::visits::{self, Visit};

/// The bucket.
const BUCKET: &str = "media";
/// Retries of a message belong to another trial.
const MAX_ATTEMPTS: u32 = 50;
/// A little more than the time for which a failed recount is left alone.
const RECOUNT_REST_MS: i64 = 3_700 * SECOND_MS;

/// An action that calls AWS.
#[derive(Debug)]
pub(crate) enum Act {
    /// A request.
    Route(Route),
    /// A run of housekeeping.
    Sweep,
    /// A run of the recount.
    Recount,
    /// A run of the retrainings.
    Retrain,
    /// A file to be inspected: one to publish, or one to reject.
    Inspect(&'static [u8]),
    /// An event of a socket, or a message for sockets.
    Live(Scene),
}

/// The events of a socket.
#[derive(Debug)]
pub(crate) struct Scene {
    name: &'static str,
    /// Event files that are sent before.
    before: &'static [&'static str],
    case: &'static str,
    /// A text of the file and its replacement.
    instead: Option<(&'static str, &'static str)>,
}

const SOCKET: &str = "L0SM9cOFvHcCIhw=";
const SOCKET_ENDS: &str = "4102444799000";
const SCENES: [Scene; 7] = [
    Scene { name: "the first socket opens", before: &[], case: "connect", instead: None },
    Scene { name: "another opens", before: &["connect"], case: "connect", instead: Some((SOCKET, "another=")) },
    Scene { name: "one closes", before: &["connect"], case: "disconnect", instead: None },
    Scene {
        name: "one comes back",
        before: &["connect", "live"],
        case: "resume",
        instead: Some((r#"{\"action\":\"resume\"}"#, r#"{\"action\":\"resume\",\"last_seq\":1795233600000}"#)),
    },
    Scene {
        name: "a socket has ended",
        before: &["connect"],
        case: "ping",
        instead: Some((SOCKET_ENDS, "1795233600000")),
    },
    Scene { name: "rights have changed", before: &["connect"], case: "close", instead: None },
    Scene { name: "a visit", before: &["connect"], case: "live", instead: None },
];

/// An action that is prepared in its company.
pub(crate) enum Ready {
    /// A request to one of the functions.
    Request(Box<Functions>, String, String),
    /// A run of housekeeping.
    Sweep(Housekeeping),
    /// A run of the recount, or of the retraining.
    Recount(Recounter, Value),
    /// A message of S3.
    Inspect(Inspector<FailedMessageQueues>, String),
    /// An event of a socket.
    Live(Box<Live<Gateway, FailedMessageQueues>>, String),
}

/// The result of an action.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Value,
    /// Whether the answer has a time to retry after, or the caller retries by itself.
    pub(crate) again: bool,
}

impl Answer {
    fn of(done: Result<Value, String>) -> Self {
        match done {
            Ok(_) => Self { status: 200, body: Value::Null, again: true },
            Err(cause) => Self { status: 503, body: json!({ "code": "failed", "cause": cause }), again: true },
        }
    }

    fn of_queue(response: &Value) -> Self {
        let failed = response["batchItemFailures"].as_array().is_some_and(|failures| !failures.is_empty());
        Self::of(if failed { Err("delivered again".to_owned()) } else { Ok(Value::Null) })
    }

    /// Status and body.
    pub(crate) fn text(&self) -> String {
        format!("{} {}", self.status, self.body)
    }
}

/// All actions.
pub(crate) fn all() -> Vec<Act> {
    // Tracking is tried with the pipeline, where its messages are counted.
    let routes =
        all_routes().into_iter().chain(other_ways()).filter(|route| route.line.function != "tracking").map(Act::Route);
    let others = [Act::Sweep, Act::Recount, Act::Retrain, Act::Inspect(PNG), Act::Inspect(b"<html>")];
    routes.chain(others).chain(SCENES.map(Act::Live)).collect()
}

impl Act {
    /// The name of the trial in the list of call sites.
    pub(crate) fn tries_as(&self) -> &'static str {
        match self {
            Self::Route(_) => "routes",
            Self::Sweep => "housekeeping",
            Self::Recount | Self::Retrain => "recount",
            Self::Inspect(_) => "media-inspector",
            Self::Live(_) => "live",
        }
    }

    /// The name in the report.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Route(route) if route.line.case == route.line.operation => format!("routes: {}", route.line.case),
            Self::Route(route) => format!("routes: {} by {}", route.line.operation, route.line.case),
            Self::Sweep => "housekeeping: a run".to_owned(),
            Self::Recount => "recount: a run".to_owned(),
            Self::Retrain => "recount: a run of the retraining".to_owned(),
            Self::Inspect(PNG) => "media-inspector: a file to publish".to_owned(),
            Self::Inspect(_) => "media-inspector: a file to reject".to_owned(),
            Self::Live(scene) => format!("live: {}", scene.name),
        }
    }

    /// Whether the action only reads data that has long existed.
    pub(crate) fn needs_a_past(&self) -> bool {
        matches!(self, Self::Route(route) if route.needs_a_past())
    }

    /// How long a caller waits before a retry.
    pub(crate) fn rest_ms(&self) -> i64 {
        if matches!(self, Self::Recount | Self::Retrain) { RECOUNT_REST_MS } else { 0 }
    }

    /// Whether repeating the action may have more effect than doing it once.
    pub(crate) fn counts_twice(&self) -> bool {
        matches!(self, Self::Route(route) if !route.line.row.again.is_empty())
    }

    /// Whether this row depends on the attempt: the second recount does not find what the first has
    /// repaired; a retraining records its time; each attempt takes a token from a budget.
    pub(crate) fn is_report(&self, row: &str) -> bool {
        match self {
            Self::Recount => row.contains(r#""type":{"S":"recount"}"#),
            Self::Retrain => row.contains(r#""type":{"S":"close_rate_model"}"#),
            Self::Route(_) => row.contains(r#""type":{"S":"budget"}"#),
            Self::Sweep | Self::Inspect(_) | Self::Live(_) => false,
        }
    }

    /// Whether the action ends like this if nothing fails.
    pub(crate) fn is_fine(&self, answer: &Answer) -> bool {
        if let Self::Route(route) = self { route.is_fine(answer.status) } else { answer.status == 200 }
    }

    /// Prepares the action.
    pub(crate) async fn ready(&self, studio: &mut Studio) -> Ready {
        match self {
            Self::Route(route) => {
                if route.line.row.visited && !route.needs_a_past() {
                    Box::pin(visit(studio)).await;
                }
                let payload = Box::pin(route.prepared(&studio.world, &studio.functions().await)).await;
                Ready::Request(Box::new(studio.functions().await), route.line.function.clone(), payload)
            }
            Self::Sweep => Box::pin(sweep(studio)).await,
            Self::Recount => {
                Box::pin(visit(studio)).await;
                miscount(studio);
                Ready::Recount(functions::recounter(&studio.world), json!({}))
            }
            Self::Retrain => {
                Box::pin(visit(studio)).await;
                studio.world.clock.advance(8 * DAY_MS);
                Ready::Recount(functions::recounter(&studio.world), json!({ "retrain": "due" }))
            }
            Self::Inspect(file) => Box::pin(inspect(studio, file)).await,
            Self::Live(scene) => {
                let mut payload = load("live", scene.case, &studio.world);
                let live = on_sockets(studio);
                for case in scene.before {
                    let before = Ready::Live(Box::new(on_sockets(studio)), load("live", case, &studio.world));
                    assert_eq!(Box::pin(before.go(studio)).await.status, 200, "{case}");
                }
                if let Some((text, instead)) = scene.instead {
                    assert!(payload.contains(text), "{text} is not in {}", scene.case);
                    payload = payload.replace(text, instead);
                }
                // Remembered for a minute: what a run before has read is no call of this one.
                drop(studio.world.store.is_suspended(studio.world.company).await);
                Ready::Live(Box::new(live), payload)
            }
        }
    }
}

impl Ready {
    /// Runs the action.
    pub(crate) async fn go(&self, studio: &Studio) -> Answer {
        match self {
            Self::Request(functions, function, payload) => {
                let response = respond(functions.router(function), payload).await;
                let again = response.headers().contains_key("retry-after");
                Answer { status: response.status().as_u16(), again, body: response.into_body() }
            }
            Self::Sweep(housekeeping) => Answer::of(
                Box::pin(housekeeping.run(functions::no_stop(), "lab"))
                    .await
                    .map(|_| Value::Null)
                    .map_err(|failure| failure.to_string()),
            ),
            Self::Recount(recounter, payload) => {
                let stop_at = studio.world.clock.now().plus_millis(600 * SECOND_MS);
                let run = Box::pin(recounter.run(payload.clone(), stop_at, "lab")).await;
                Answer::of(run.map_err(|failure| failure.to_string()))
            }
            Self::Inspect(inspector, event) => {
                let event: SqsEvent = serde_json::from_str(event).expect("an SQS event");
                let response = Box::pin(media_inspector::handle(inspector, event, "lab")).await;
                Answer::of_queue(&serde_json::to_value(response).unwrap_or_default())
            }
            Self::Live(live, event) => {
                let trigger: Trigger = serde_json::from_str(event).expect("an event of live");
                let answer = Box::pin(live::handle(live, trigger, "lab")).await;
                match answer["statusCode"].as_u64() {
                    Some(200) => Answer::of(Ok(Value::Null)),
                    Some(status) => Answer::of(Err(status.to_string())),
                    None => Answer::of_queue(&answer),
                }
            }
        }
    }
}

/// Three visitors on three cards, counted.
async fn visit(studio: &Studio) {
    let world = &studio.world;
    let mut random = Random(1);
    let aggregator = Aggregator {
        store: world.store.clone(),
        failed: studio.failed_messages(),
        max_attempts: MAX_ATTEMPTS,
        conflicts_end: Duration::from_secs(15),
        ids: world.ids.clone(),
        clock: world.clock.clock(),
    };
    let batches = ["lin", "chen", "wang"].map(|name| {
        let person = if name == "lin" { world.visitor } else { visits::person(random.below(40)) };
        let (company, card, received_at) = (world.company.id(), world.card(name), world.clock.now());
        visits::batch(Visit { company, person, card, received_at, events: 8 }, &mut random)
    });
    let response = Box::pin(radar_aggregator::handle(&aggregator, delivery(&batches), "lab")).await;
    assert!(response.batch_item_failures.is_empty(), "every message is counted");
}

/// Makes a counter wrong.
fn miscount(studio: &mut Studio) {
    let rows = studio.table.rows().into_values();
    let mut row = rows.into_iter().find(|row| row["type"]["S"] == "counters").expect("there are counters");
    let counted = |(name, value): (&String, &mut Value)| {
        let count = value["N"].as_str()?.parse::<i64>().ok().filter(|_| !["layout", "rev"].contains(&name.as_str()))?;
        value["N"] = json!((count + 1).to_string());
        Some(())
    };
    row.as_object_mut().and_then(|row| row.iter_mut().find_map(counted)).expect("something is counted");
    studio.table.put(&row);
}

/// Expired holds and uploads, and leaderboards that are behind.
async fn sweep(studio: &Studio) -> Ready {
    let world = &studio.world;
    let functions = studio.functions().await;
    let invited = respond(functions.router("organization"), &load("organization", "create_invitation", world)).await;
    assert_eq!(invited.status(), 201, "{}", invited.body());
    visit(studio).await;
    let mut memory = studio.tap.memory();
    let path = |upload| format!("/{BUCKET}/{}", media_key(world.company, upload));
    memory.files.extend(world.uploads.values().map(|upload| (path(*upload), PNG.to_vec())));
    studio.tap.set_memory(memory);
    world.clock.advance(8 * DAY_MS);
    Ready::Sweep(Housekeeping {
        store: world.store.clone(),
        leaderboards_lag_s: 60,
        s3: clients::s3(&studio.memory()),
        media_bucket: BUCKET.to_owned(),
        clock: world.clock.clock(),
        ids: world.ids.clone(),
    })
}

/// A file in quarantine, and the message about it.
async fn inspect(studio: &Studio, file: &[u8]) -> Ready {
    let world = &studio.world;
    let upload = Upload { format: Format::Png, ..world.upload(Purpose::Photo) };
    let request = world.request(&upload.id.to_string());
    let id = world.store.create_upload(world.company, upload, &request, &[]).await.expect("a ticket").id;
    let mut memory = studio.tap.memory();
    memory.files.insert(format!("/{BUCKET}/{}", quarantine_key(world.company, id)), file.to_vec());
    studio.tap.set_memory(memory);
    let event = load("media-inspector", "file", world);
    let event = event.replace(&world.uploads["photo"].to_string(), &id.to_string());
    let inspector = Inspector {
        store: world.store.clone(),
        files: Files::new(clients::s3(&studio.memory()), BUCKET.to_owned()),
        failed: studio.failed_messages(),
        max_attempts: MAX_ATTEMPTS,
        clock: world.clock.clock(),
    };
    Ready::Inspect(inspector, event)
}

fn on_sockets(studio: &Studio) -> Live<Gateway, FailedMessageQueues> {
    let (world, sdk) = (&studio.world, studio.memory());
    Live {
        store: world.store.clone(),
        tokens: TokenVerifier::from_jwks(&world.keys.jwks).expect("the keys are keys"),
        sockets: Gateway::new(clients::sockets(&sdk, "http://127.0.0.1:9/v1")),
        failed: studio.failed_messages(),
        max_attempts: MAX_ATTEMPTS,
        budgets: MemoryBudgets::default(),
        clock: world.clock.clock(),
    }
}

/// The smallest picture that is published.
const PNG: &[u8] = b"\x89PNG\r\n\x1A\n\
    \0\0\0\x0DIHDR\0\0\0\x05\0\0\0\x03\x08\x02\0\0\0CRC!\
    \0\0\0\x04IDATpixlCRC!\
    \0\0\0\0IENDCRC!";
