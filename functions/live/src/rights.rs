//! From the table's stream to the sockets: when what a member may do changes, the sockets that they
//! opened before are closed.

use domain::kernel::failure::Failure;
use runtime::sockets::Sockets;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{ChangedMember, ItemImages};

use crate::Live;
use crate::watch::close_outdated;

/// Changes of members.
#[derive(Debug, Deserialize)]
pub struct MemberChanges {
    #[serde(rename = "Records")]
    records: Vec<StreamRecord>,
}

#[derive(Debug, Deserialize)]
struct StreamRecord {
    dynamodb: StreamChange,
}

#[derive(Debug, Deserialize)]
struct StreamChange {
    #[serde(rename = "SequenceNumber")]
    sequence_number: String,
    #[serde(flatten)]
    images: ItemImages,
}

/// The counts of a call.
#[derive(Debug, Default)]
pub(crate) struct ClosedSockets {
    /// Sockets that were closed.
    pub(crate) gone: usize,
    /// The cause of the last failure.
    pub(crate) cause: Option<String>,
}

impl MemberChanges {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }
}

/// Closes sockets in the order of the changes. Returns the answer for Lambda, which sends the change
/// that failed and those behind it again, and the counts. A change that cannot be read is passed: it
/// would hold up the others, and `live` asks for the member before it sends anything to a socket.
pub(crate) async fn close<S: Sockets, D>(live: &Live<S, D>, changes: MemberChanges) -> (Value, ClosedSockets) {
    let (mut failures, mut closed) = (Vec::new(), ClosedSockets::default());
    for StreamRecord { dynamodb: StreamChange { sequence_number, images } } in changes.records {
        match close_of(live, images).await {
            Ok(gone) => closed.gone += gone,
            Err(failure @ Failure::Corrupt(_)) => closed.cause = Some(failure.to_string()),
            Err(failure) => {
                closed.cause = Some(failure.to_string());
                failures.push(json!({ "itemIdentifier": sequence_number }));
                break;
            }
        }
    }
    (json!({ "batchItemFailures": failures }), closed)
}

async fn close_of<S: Sockets, D>(live: &Live<S, D>, images: ItemImages) -> Result<usize, Failure> {
    let ChangedMember { company, before, after } = images.try_into()?;
    match before.card {
        Some(card) if !after.may_watch(card, before.rights) => close_outdated(live, company, card, after.id).await,
        _ => Ok(0),
    }
}
