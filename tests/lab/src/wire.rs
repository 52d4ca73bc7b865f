//! The wire between the functions and the emulators: every call passes here, is counted, and may
//! fail.

use std::collections::BTreeMap;
use std::io::{BufReader, Result};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::faults::{Fault, Faults};
use crate::http::{Connection, Message, Serve, listen};
use crate::operation::Operation;
use crate::units::{WireItem, of_read, of_write, table_of, written_keys};
use crate::usage::Usage;

/// The wire. Shared by all connections.
#[derive(Debug)]
pub(crate) struct Wire {
    address: String,
    dynamodb: String,
    sqs: String,
    /// Answers of Secrets Manager, by the name of the secret.
    secrets: BTreeMap<String, String>,
    usage: Mutex<Usage>,
    /// Whether units are counted: written items are read before and after.
    weighs: AtomicBool,
    faults: Mutex<Faults>,
    victim: Mutex<Option<u32>>,
}

impl Wire {
    /// A wire between the clients of the listener and the emulators at these URLs.
    pub(crate) fn start(
        listener: TcpListener,
        dynamodb: &str,
        sqs: &str,
        secrets: BTreeMap<String, String>,
    ) -> Arc<Self> {
        let address = listener.local_addr().map_or_else(|_| String::new(), |address| format!("http://{address}"));
        let wire = Arc::new(Self {
            address,
            dynamodb: dynamodb.to_owned(),
            sqs: sqs.to_owned(),
            secrets,
            usage: Mutex::default(),
            weighs: AtomicBool::new(true),
            faults: Mutex::default(),
            victim: Mutex::default(),
        });
        listen(listener, Arc::clone(&wire));
        wire
    }

    /// Another wire between the clients of the listener and the same emulators.
    pub(crate) fn another(&self, listener: TcpListener) -> Arc<Self> {
        Self::start(listener, &self.dynamodb, &self.sqs, self.secrets.clone())
    }

    /// From now on it only passes calls on and injects faults, which is faster.
    pub(crate) fn stop_weighing(&self) {
        self.weighs.store(false, Ordering::Relaxed);
    }

    /// Its URL, for those who get it as a setting.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The usage since the last call.
    pub(crate) fn take_usage(&self) -> Usage {
        std::mem::take(&mut *lock(&self.usage))
    }

    /// Sets these faults; returns the previous ones.
    pub(crate) fn set_faults(&self, faults: Faults) -> Faults {
        std::mem::replace(&mut *lock(&self.faults), faults)
    }

    /// The process that a fault kills.
    pub(crate) fn set_victim(&self, pid: Option<u32>) {
        *lock(&self.victim) = pid;
    }

    fn kill(&self) {
        if let Some(pid) = lock(&self.victim).take() {
            // A process that has already ended needs no kill.
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
        }
    }

    /// The answer to a request; `None` breaks the connection.
    fn answer(&self, request: &Message, upstream: &mut Upstream) -> Result<Option<Message>> {
        let Some(operation) = Operation::of(request) else {
            return upstream.dynamodb.call(request).map(Some);
        };
        if operation.service == "secretsmanager" {
            return Ok(Some(self.secret(request)));
        }
        let fault = lock(&self.faults).next(&operation.name);
        match fault {
            Some(Fault::LostRequest) => return Ok(None),
            Some(Fault::KilledBefore) => {
                self.kill();
                return Ok(None);
            }
            Some(Fault::Throttled) => return Ok(Some(throttled(&operation))),
            Some(Fault::ServerError) => return Ok(Some(server_error())),
            Some(Fault::PartOfBatch | Fault::LostAnswer | Fault::KilledAfter) | None => {}
        }
        let answer = self.forward(&operation, request, fault == Some(Fault::PartOfBatch), upstream)?;
        if fault == Some(Fault::KilledAfter) {
            self.kill();
        }
        Ok((!fault.is_some_and(Fault::after_commit)).then_some(answer))
    }

    fn secret(&self, request: &Message) -> Message {
        let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let name = asked["SecretId"].as_str().unwrap_or_default();
        match self.secrets.get(name) {
            Some(text) => {
                let body = json!({"ARN": name, "Name": name, "VersionId": "1", "SecretString": text});
                Message::answer("200 OK", body.to_string().into_bytes())
            }
            None => Message::answer("400 Bad Request", br#"{"__type": "ResourceNotFoundException"}"#.to_vec()),
        }
    }

    fn forward(
        &self,
        operation: &Operation,
        request: &Message,
        partly: bool,
        upstream: &mut Upstream,
    ) -> Result<Message> {
        let sent = request.body.len();
        if operation.is_queue() {
            let answer = upstream.sqs.call(request)?;
            lock(&self.usage).add(operation, sent, answer.body.len());
            return Ok(answer);
        }
        if !operation.has_units() || !(partly || self.weighs.load(Ordering::Relaxed)) {
            return upstream.dynamodb.call(request);
        }
        let mut asked: Value = serde_json::from_slice(&request.body)?;
        let wanted = asked.get("ReturnConsumedCapacity").is_some_and(|wanted| wanted != "NONE");
        asked["ReturnConsumedCapacity"] = json!("TOTAL");
        let left_out = if partly { leave_out_half(&mut asked) } else { None };
        if let Some(left_out) = left_out.as_ref().filter(|_| !asks_for_keys(&asked)) {
            let reply = json!({"Responses": {}, "UnprocessedKeys": left_out});
            return Ok(Message::answer("200 OK", serde_json::to_vec(&reply)?));
        }
        let request = &Message { body: serde_json::to_vec(&asked)?, ..request.clone() };
        let mut answer = if operation.is_read() {
            let answer = upstream.dynamodb.call(request)?;
            lock(&self.usage).read_units += of_read(operation, &asked, &serde_json::from_slice(&answer.body)?);
            answer
        } else {
            let keys = written_keys(operation, &asked);
            let before = items(&asked, &keys, request, upstream)?;
            let answer = upstream.dynamodb.call(request)?;
            let after = items(&asked, &keys, request, upstream)?;
            let written = of_write(operation, &before.into_iter().zip(after).collect::<Vec<_>>());
            lock(&self.usage).add_written(written);
            answer
        };
        let mut reply: Value = serde_json::from_slice(&answer.body)?;
        if let (Some(reply), false) = (reply.as_object_mut(), wanted) {
            reply.remove("ConsumedCapacity");
        }
        if let Some(left_out) = left_out {
            reply["UnprocessedKeys"] = left_out;
        }
        answer.body = serde_json::to_vec(&reply)?;
        // The checksum is of the body as the emulator wrote it.
        answer.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("x-amz-crc32"));
        lock(&self.usage).add(operation, sent, answer.body.len());
        Ok(answer)
    }
}

/// The items with these keys, as they are in the emulator now.
fn items(asked: &Value, keys: &[Value], like: &Message, upstream: &mut Upstream) -> Result<Vec<Option<WireItem>>> {
    let Some(table) = table_of(asked) else { return Ok(Vec::new()) };
    let body = json!({"RequestItems": {table: {"Keys": keys, "ConsistentRead": true}}});
    let mut request = Message { body: serde_json::to_vec(&body)?, ..like.clone() };
    request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("x-amz-target"));
    request.headers.push(("x-amz-target".to_owned(), "DynamoDB_20120810.BatchGetItem".to_owned()));
    let mut reply: Value = serde_json::from_slice(&upstream.dynamodb.call(&request)?.body)?;
    let found: Vec<WireItem> = serde_json::from_value(reply["Responses"][table].take()).unwrap_or_default();
    let is_of = |item: &WireItem, key: &Value| {
        key.as_object().is_some_and(|key| key.iter().all(|(name, value)| item.get(name) == Some(value)))
    };
    Ok(keys.iter().map(|key| found.iter().find(|item| is_of(item, key)).cloned()).collect())
}

/// Removes half of the keys from a batch read, the only key of a single one; returns them in the
/// form in which the service lists unprocessed keys.
pub(crate) fn leave_out_half(asked: &mut Value) -> Option<Value> {
    let (table, request) = asked["RequestItems"].as_object_mut()?.iter_mut().next()?;
    let mut rest = request.clone();
    let keys = request["Keys"].as_array_mut()?;
    rest["Keys"] = Value::Array(keys.split_off(keys.len() / 2));
    Some(json!({ table: rest }))
}

/// Whether any key is left to send to the service.
pub(crate) fn asks_for_keys(asked: &Value) -> bool {
    let tables = asked["RequestItems"].as_object();
    tables.is_some_and(|tables| {
        tables.values().any(|request| request["Keys"].as_array().is_some_and(|keys| !keys.is_empty()))
    })
}

/// The answer of a service that fails.
pub(crate) fn server_error() -> Message {
    let body = json!({"__type": "com.amazonaws#InternalServerError", "message": "injected"});
    Message::answer("500 Internal Server Error", body.to_string().into_bytes())
}

/// The answer of a service that throttles.
pub(crate) fn throttled(operation: &Operation) -> Message {
    let code = if operation.is_queue() { "RequestThrottled" } else { "ProvisionedThroughputExceededException" };
    let body = json!({"__type": format!("com.amazonaws#{code}"), "message": "injected"});
    Message::answer("400 Bad Request", body.to_string().into_bytes())
}

/// One connection to each emulator, for one connection of a function.
struct Upstream {
    dynamodb: Connection,
    sqs: Connection,
}

impl Serve for Wire {
    fn serve(&self, mut connection: BufReader<TcpStream>) -> Result<()> {
        let mut upstream = Upstream { dynamodb: Connection::to(&self.dynamodb), sqs: Connection::to(&self.sqs) };
        while let Some(request) = Message::read(&mut connection)? {
            let Some(answer) = self.answer(&request, &mut upstream)? else { break };
            answer.write(connection.get_mut())?;
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
