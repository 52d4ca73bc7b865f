//! Files and open sockets in memory: the parts of S3 and of the gateway that the functions use.

use std::collections::{BTreeMap, BTreeSet};

use crate::http::Message;
use crate::operation::Operation;

/// The content of the two services.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Files by path, which is bucket and key.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// The frames of each socket; equal frames count once.
    pub(crate) frames: BTreeSet<(String, String)>,
}

const S3: &str = "S3";
const SOCKETS: &str = "Sockets";

/// The operation of a request, from its method and path.
pub(crate) fn operation(request: &Message) -> Operation {
    let (service, name) = match request.target() {
        ("POST", path) if is_socket(path) => (SOCKETS, "PostToConnection"),
        (_, path) if is_socket(path) => (SOCKETS, "DeleteConnection"),
        ("PUT", _) => (S3, "PutObject"),
        ("DELETE", _) => (S3, "DeleteObject"),
        _ => (S3, "GetObject"),
    };
    Operation { service: service.to_owned(), name: name.to_owned() }
}

/// Whether the operation is one of these services.
pub(crate) fn knows(operation: &Operation) -> bool {
    [S3, SOCKETS].contains(&operation.service.as_str())
}

/// The answer of these services to too many requests.
pub(crate) fn throttled(operation: &Operation) -> Message {
    if operation.service == S3 {
        return Message::answer("503 Slow Down", b"<Error><Code>SlowDown</Code></Error>".to_vec());
    }
    let mut answer = Message::answer("429 Too Many Requests", b"{}".to_vec());
    answer.headers.push(("x-amzn-errortype".to_owned(), "LimitExceededException".to_owned()));
    answer
}

impl Memory {
    /// Runs the operation.
    pub(crate) fn answer(&mut self, operation: &Operation, request: &Message) -> Message {
        let path = request.target().1.split('?').next().unwrap_or_default().to_owned();
        match operation.name.as_str() {
            "PostToConnection" => {
                self.frames.insert((path, String::from_utf8_lossy(&request.body).into_owned()));
                Message::answer("200 OK", b"{}".to_vec())
            }
            "PutObject" => {
                self.files.insert(path, request.body.clone());
                Message::answer("200 OK", Vec::new())
            }
            "DeleteObject" | "DeleteConnection" => {
                self.files.remove(&path);
                Message::answer("204 No Content", Vec::new())
            }
            _ => match self.files.get(&path) {
                Some(file) => Message::answer("200 OK", file.clone()),
                None => Message::answer("404 Not Found", b"<Error><Code>NoSuchKey</Code></Error>".to_vec()),
            },
        }
    }
}

fn is_socket(path: &str) -> bool {
    path.contains("/@connections/") || path.contains("/%40connections/")
}
