//! A whole table: all of its rows, and restoring them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use store::KEY_ATTRIBUTES;

use crate::http::{Connection, Message};

/// Rows by key.
pub(crate) type Rows = BTreeMap<[String; 2], Value>;

/// Requests of one batch write (DynamoDB's limit).
const WRITES_MAX: usize = 25;

/// A table, accessed without faults.
#[derive(Debug)]
pub(crate) struct TableRows {
    connection: Connection,
    name: String,
}

impl TableRows {
    /// The table of this name at the emulator with this URL.
    pub(crate) fn at(url: &str, name: &str) -> Self {
        Self { connection: Connection::to(url), name: name.to_owned() }
    }

    /// The content of the table.
    pub(crate) fn rows(&mut self) -> Rows {
        let (mut rows, mut asked) = (Rows::new(), json!({"TableName": self.name, "ConsistentRead": true}));
        loop {
            let mut reply = self.call("Scan", &asked);
            let items = reply["Items"].as_array_mut().map(std::mem::take).unwrap_or_default();
            rows.extend(items.into_iter().map(|item| (key_of(&item), item)));
            if reply["LastEvaluatedKey"].is_null() {
                return rows;
            }
            asked["ExclusiveStartKey"] = reply["LastEvaluatedKey"].take();
        }
    }

    /// Restores this content.
    pub(crate) fn restore(&mut self, before: &Rows) {
        let now = self.rows();
        let put = before.iter().filter(|(key, item)| now.get(*key) != Some(item));
        let put = put.map(|(_, item)| json!({"PutRequest": {"Item": item}}));
        let gone = now.iter().filter(|(key, _)| !before.contains_key(*key));
        let gone = gone.map(|(_, item)| json!({"DeleteRequest": {"Key": KEY_ATTRIBUTES.map(|name| (name, item[name].clone())).into_iter().collect::<BTreeMap<_, _>>()}}));
        for requests in put.chain(gone).collect::<Vec<_>>().chunks(WRITES_MAX) {
            self.call("BatchWriteItem", &json!({"RequestItems": {&self.name: requests}}));
        }
    }

    /// Puts a row.
    pub(crate) fn put(&mut self, row: &Value) {
        self.call("PutItem", &json!({"TableName": self.name, "Item": row}));
    }

    fn call(&mut self, operation: &str, asked: &Value) -> Value {
        let mut request = Message::answer("", asked.to_string().into_bytes());
        request.start = "POST / HTTP/1.1".to_owned();
        let credential = "AWS4-HMAC-SHA256 Credential=test/20261121/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
        let headers = [
            ("host", "localhost"),
            ("x-amz-target", &format!("DynamoDB_20120810.{operation}")),
            ("authorization", credential),
        ];
        request.headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        request.headers.push(("content-type".to_owned(), "application/x-amz-json-1.0".to_owned()));
        let answer = self.connection.call(&request).expect("DynamoDB Local answers");
        let reply = serde_json::from_slice(&answer.body).expect("an answer is JSON");
        assert_eq!(answer.status(), 200, "{operation}: {reply}");
        reply
    }
}

fn key_of(item: &Value) -> [String; 2] {
    KEY_ATTRIBUTES.map(|name| item[name]["S"].as_str().unwrap_or_default().to_owned())
}
