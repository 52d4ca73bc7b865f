//! The HTTP client of functions that run inside the laboratory. It finds the line of the product
//! that makes a call, and injects faults like the wire.

use std::backtrace::Backtrace;
use std::collections::BTreeMap;
use std::io::Result;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use crate::faults::Fault;
use crate::http::{Connection, Message};
use crate::memory::{self, Memory};
use crate::operation::Operation;
use crate::sites::{Site, caller};
use crate::wire::{asks_for_keys, leave_out_half, server_error, throttled};

/// Which calls fail, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FaultPlan {
    /// The first failing call, counted from 1.
    pub(crate) call: u32,
    /// The fault.
    pub(crate) fault: Fault,
    /// Whether all later calls fail too.
    pub(crate) lasts: bool,
}

/// A call that was made: its site and operation.
pub(crate) type Called = (String, String);

/// Connections, the services in memory, and the planned faults.
#[derive(Debug, Default)]
struct TapState {
    connections: BTreeMap<String, Connection>,
    memory: Memory,
    plan: Option<FaultPlan>,
    calls: u32,
    happened: u32,
    /// The recorded calls, while they are recorded.
    noted: Option<Vec<Called>>,
}

/// A tap. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Tap {
    state: Arc<Mutex<TapState>>,
    sites: Arc<[Site]>,
}

impl Tap {
    /// A new tap, which distinguishes these sites.
    pub(crate) fn new(sites: Arc<[Site]>) -> Self {
        Self { state: Arc::default(), sites }
    }

    /// The tap as an HTTP client.
    pub(crate) fn connector(&self) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }

    /// Sets this plan of faults; calls are counted from 1.
    pub(crate) fn set_plan(&self, plan: Option<FaultPlan>) {
        let mut state = self.lock();
        (state.plan, state.calls, state.happened) = (plan, 0, 0);
    }

    /// How many calls have failed under the plan.
    pub(crate) fn happened(&self) -> u32 {
        self.lock().happened
    }

    /// Records the calls from now on.
    pub(crate) fn note(&self) {
        self.lock().noted = Some(Vec::new());
    }

    /// The calls since [`Tap::note`].
    pub(crate) fn noted(&self) -> Vec<Called> {
        self.lock().noted.take().unwrap_or_default()
    }

    /// The content of the services in memory.
    pub(crate) fn memory(&self) -> Memory {
        self.lock().memory.clone()
    }

    /// Replaces the content of the services in memory.
    pub(crate) fn set_memory(&self, memory: Memory) {
        self.lock().memory = memory;
    }

    fn lock(&self) -> MutexGuard<'_, TapState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer; an error breaks the connection.
    fn answer(&self, request: &HttpRequest) -> Result<Message> {
        let (authority, request) = message(request);
        let operation = Operation::of(&request).unwrap_or_else(|| memory::operation(&request));
        let mut state = self.lock();
        if let Some(noted) = &mut state.noted {
            let place = caller(&self.sites, &operation.name, &Backtrace::force_capture()).unwrap_or_default();
            noted.push((place, operation.name.clone()));
        }
        let broken = Err(std::io::ErrorKind::ConnectionReset.into());
        let fault = state.next(&operation.name);
        match fault {
            Some(Fault::LostRequest | Fault::KilledBefore) => return broken,
            Some(Fault::Throttled) if memory::knows(&operation) => return Ok(memory::throttled(&operation)),
            Some(Fault::Throttled) => return Ok(throttled(&operation)),
            Some(Fault::ServerError) => return Ok(server_error()),
            Some(Fault::PartOfBatch) => return state.part(&authority, &request),
            Some(Fault::LostAnswer | Fault::KilledAfter) | None => {}
        }
        let answer = if memory::knows(&operation) {
            state.memory.answer(&operation, &request)
        } else {
            state.pass(&authority, &request)?
        };
        if fault.is_some() { broken } else { Ok(answer) }
    }
}

impl TapState {
    /// The fault of the next call, if any.
    fn next(&mut self, operation: &str) -> Option<Fault> {
        self.calls += 1;
        let FaultPlan { call, fault, lasts } = self.plan?;
        let now = self.calls == call || lasts && self.calls > call;
        if !now || fault == Fault::PartOfBatch && operation != "BatchGetItem" {
            return None;
        }
        self.happened += 1;
        Some(fault)
    }

    fn pass(&mut self, authority: &str, request: &Message) -> Result<Message> {
        let connection = || Connection::to(&format!("http://{authority}"));
        self.connections.entry(authority.to_owned()).or_insert_with(connection).call(request)
    }

    /// A batch read of which the service does half.
    fn part(&mut self, authority: &str, request: &Message) -> Result<Message> {
        let mut asked: Value = serde_json::from_slice(&request.body)?;
        let left_out = leave_out_half(&mut asked);
        let mut reply = json!({"Responses": {}});
        if asks_for_keys(&asked) {
            let request = Message { body: serde_json::to_vec(&asked)?, ..request.clone() };
            reply = serde_json::from_slice(&self.pass(authority, &request)?.body)?;
        }
        reply["UnprocessedKeys"] = json!(left_out);
        Ok(Message::answer("200 OK", serde_json::to_vec(&reply)?))
    }
}

impl HttpConnector for Tap {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.answer(&request).map_err(|error| ConnectorError::io(error.into()));
        HttpConnectorFuture::ready(answer.and_then(|answer| response(&answer)))
    }
}

/// The authority of a request, and the request.
fn message(request: &HttpRequest) -> (String, Message) {
    let uri = request.uri().trim_start_matches("http://");
    let (authority, path) = uri.split_once('/').unwrap_or((uri, ""));
    let headers = request.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut headers: Vec<_> = headers.filter(|(name, _)| !name.eq_ignore_ascii_case("host")).collect();
    headers.push(("host".to_owned(), authority.to_owned()));
    let body = request.body().bytes().expect("a body in memory").to_vec();
    (authority.to_owned(), Message { start: format!("{} /{path} HTTP/1.1", request.method()), headers, body })
}

fn response(answer: &Message) -> std::result::Result<HttpResponse, ConnectorError> {
    let status = answer.status().try_into().map_err(|_| ConnectorError::other("no status".into(), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(answer.body.clone()));
    for (name, value) in &answer.headers {
        response.headers_mut().append(name.clone(), value.clone());
    }
    Ok(response)
}
