//! Queue messages: S3's notifications of new files.

use domain::company::Company;
use domain::kernel::id::UploadId;
use domain::media::upload::quarantined;
use runtime::delivery::Reason;
use serde::Deserialize;

/// A notification of S3. Its test notification has no records.
#[derive(Debug, Deserialize)]
struct Notification {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
struct Record {
    s3: Entity,
}

#[derive(Debug, Deserialize)]
struct Entity {
    object: S3Object,
}

#[derive(Debug, Deserialize)]
struct S3Object {
    /// Percent-encoded; no character of our keys needs it.
    key: String,
}

/// The files of a message. A file needs a ticket, and the ticket fixes the key: so the company in
/// the key can be trusted.
pub(crate) fn read(body: &str) -> Result<Vec<(Company, UploadId)>, Reason> {
    let found: Notification = serde_json::from_str(body).map_err(|error| Reason::new("unreadable_message", error))?;
    let file = |record: Record| {
        let ids = quarantined(&record.s3.object.key);
        ids.map(|(company, upload)| (Company::granted(company), upload))
            .ok_or_else(|| Reason::new("unknown_key", "the key is not one of a ticket"))
    };
    found.records.into_iter().map(file).collect()
}
