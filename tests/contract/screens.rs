//! Devices that watch the live radar, with screens that can fail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use domain::kernel::id::{Id, PersonId};
use domain::people::member::Member;
use domain::radar::live::{SOCKET_LIFE_MS, SocketId};
use domain::tracking::batch::{AcceptedBatch, BatchId};
use domain::tracking::event::{Event, EventKind, Object, Target};
use edge::budget::MemoryBudgets;
use edge::token::TokenVerifier;
use live::{Live, Trigger};
use runtime::sockets::{NotSent, Sockets};
use serde_json::{Value, json};
use testkit::world::World;
use uuid::Uuid;

use crate::event_files::KeptDeadLetters;

/// The screens of some devices.
#[derive(Debug, Default)]
pub(crate) struct Screens {
    frames: Mutex<Vec<(String, Value)>>,
    pub(crate) gone: Mutex<BTreeSet<String>>,
    pub(crate) failing: Mutex<BTreeSet<String>>,
}

impl Screens {
    /// Takes the frames that were sent to a socket.
    pub(crate) fn take(&self, socket: &str) -> Vec<Value> {
        let mut frames = self.frames.lock().unwrap();
        let (taken, left) = std::mem::take(&mut *frames).into_iter().partition(|(to, _)| to == socket);
        *frames = left;
        Vec::into_iter(taken).map(|(_, frame)| frame).collect()
    }

    /// Whether a socket was closed.
    pub(crate) fn is_closed(&self, socket: &str) -> bool {
        self.gone.lock().unwrap().contains(socket)
    }
}

impl Sockets for Screens {
    async fn send(&self, socket: &SocketId, frame: &str) -> Result<(), NotSent> {
        if self.gone.lock().unwrap().contains(socket.as_str()) {
            return Err(NotSent::Gone);
        }
        if self.failing.lock().unwrap().contains(socket.as_str()) {
            return Err(NotSent::Failed("busy".to_owned()));
        }
        self.frames.lock().unwrap().push((socket.as_str().to_owned(), serde_json::from_str(frame).unwrap()));
        Ok(())
    }

    async fn close(&self, socket: &SocketId) -> Result<(), NotSent> {
        self.gone.lock().unwrap().insert(socket.as_str().to_owned());
        Ok(())
    }
}

pub(crate) type TestLive = Live<Screens, KeptDeadLetters>;

pub(crate) fn function(world: &World) -> TestLive {
    Live {
        store: world.store.clone(),
        tokens: TokenVerifier::from_jwks(&world.keys.jwks).unwrap(),
        sockets: Screens::default(),
        failed: KeptDeadLetters::default(),
        max_attempts: 5,
        budgets: MemoryBudgets::default(),
        clock: world.clock.clock(),
    }
}

pub(crate) async fn call(live: &TestLive, payload: Value) -> Value {
    live::handle(live, serde_json::from_value::<Trigger>(payload).unwrap(), "r").await
}

/// An event of a socket of the owner of `lin`'s card, whose token was just made and whose rights have
/// never changed.
pub(crate) async fn on_socket(world: &World, live: &TestLive, socket: &str, event: &str, body: Option<Value>) -> u64 {
    event_of(world, live, socket, event, body, ("staff", 0)).await
}

/// An event of a socket of the owner of `lin`'s card, with this role and number of their rights.
async fn event_of(
    world: &World,
    live: &TestLive,
    socket: &str,
    event: &str,
    body: Option<Value>,
    (role, rights): (&str, u32),
) -> u64 {
    let lin = world.staff["lin"];
    let authorizer = json!({
        "company": world.company.id().to_string(),
        "card": world.card("lin"),
        "member": lin.member.to_string(),
        "person": lin.person.to_string(),
        "role": role,
        "rights": rights.to_string(),
        "expires_ms": world.clock.now().plus_millis(SOCKET_LIFE_MS).millis().to_string(),
    });
    let context = json!({"eventType": event, "connectionId": socket, "authorizer": authorizer});
    let payload = json!({"requestContext": context, "body": body.map(|body| body.to_string())});
    call(live, payload).await["statusCode"].as_u64().unwrap()
}

/// A new device of `lin`, as they are now.
pub(crate) async fn device_of(world: &World, live: &TestLive, socket: &str, lin: &Member) {
    assert_eq!(event_of(world, live, socket, "CONNECT", None, (lin.role.name(), lin.rights)).await, 200);
}

pub(crate) async fn connect(world: &World, live: &TestLive, socket: &str) {
    assert_eq!(on_socket(world, live, socket, "CONNECT", None).await, 200);
}

pub(crate) async fn disconnect(world: &World, live: &TestLive, socket: &str) {
    assert_eq!(on_socket(world, live, socket, "DISCONNECT", None).await, 200);
}

/// The answer to a socket that has seen everything up to `last`.
pub(crate) async fn resume(world: &World, live: &TestLive, socket: &str, last: Option<u64>) -> Vec<Value> {
    let body = json!({"action": "resume", "last_seq": last});
    assert_eq!(on_socket(world, live, socket, "MESSAGE", Some(body)).await, 200);
    live.sockets.take(socket)
}

/// A new device, and the number that it begins at.
pub(crate) async fn device(world: &World, live: &TestLive, socket: &str) -> u64 {
    connect(world, live, socket).await;
    let frames = resume(world, live, socket, None).await;
    assert_eq!((frames.len(), &frames[0]["type"]), (1, &json!("hello")), "{frames:?}");
    frames[0]["seq"].as_u64().unwrap()
}

pub(crate) fn batch(world: &World, number: u64, events: usize) -> AcceptedBatch {
    let (card, now) = (world.card("lin"), world.clock.now());
    let event = Event {
        kind: EventKind::ViewCard,
        card,
        object: Object { target: Target::Card, title: None },
        share_code: None,
        at: now,
        duration_ms: None,
        filtered: None,
    };
    let millis = u64::try_from(now.millis()).unwrap() + number;
    AcceptedBatch {
        v: 1,
        company: world.company.id(),
        person: PersonId::from_uuid(Uuid::from_u128(u128::from(number))),
        batch: BatchId::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &[1; 10]).into_uuid()),
        fingerprint: String::new(),
        received_at: now,
        anonymous: false,
        rules: 1,
        departments: BTreeMap::new(),
        events: vec![event; events],
    }
}

/// Delivers batches; returns how many must be delivered again.
pub(crate) async fn deliver(live: &TestLive, batches: &[&AcceptedBatch], attempts: u32) -> usize {
    let record = |(n, batch): (usize, &&AcceptedBatch)| {
        json!({
            "messageId": format!("m{n}"),
            "body": serde_json::to_string(batch).unwrap(),
            "attributes": {"ApproximateReceiveCount": attempts.to_string()},
        })
    };
    let records: Vec<_> = batches.iter().enumerate().map(record).collect();
    call(live, json!({ "Records": records })).await["batchItemFailures"].as_array().unwrap().len()
}
