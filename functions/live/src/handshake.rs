//! The handshake: may this client open a socket? The token alone decides.

use std::collections::BTreeMap;

use domain::kernel::timestamp::Timestamp;
use edge::socket::Watcher;
use edge::token::TokenVerifier;
use serde::Deserialize;
use serde_json::{Value, json};

/// The request of the gateway.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Handshake {
    method_arn: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

impl Handshake {
    /// A policy for the gateway, and the outcome for the log.
    pub(crate) fn answer(&self, tokens: &TokenVerifier, now: Timestamp) -> (Value, &'static str) {
        // The gateway passes header names as the client wrote them.
        let mut headers = self.headers.iter();
        let authorization = headers.find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let watcher = authorization.and_then(|(_, value)| Watcher::from_header(tokens, value, now));
        let (effect, context, outcome) = match watcher {
            Some(watcher) => ("Allow", json!(watcher.context()), "allowed"),
            None => ("Deny", json!({}), "refused"),
        };
        let statement = json!({"Effect": effect, "Action": "execute-api:Invoke", "Resource": self.method_arn});
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
        (json!({"principalId": "watcher", "policyDocument": policy, "context": context}), outcome)
    }
}
