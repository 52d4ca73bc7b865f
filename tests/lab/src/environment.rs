//! The environment variables of a function: those of the template, and those that Lambda sets.

use std::collections::BTreeMap;
use std::path::Path;

use aws_lc_rs::signature::Ed25519KeyPair;
use data_encoding::BASE64;
use serde_json::json;

/// Name of the secret of the organization function.
const ORGANIZATION_SECRET: &str = "lab/organization";

/// The variables that differ from run to run.
#[derive(Debug, Default, Clone)]
pub(crate) struct Places {
    /// The address of AWS: the wire.
    pub(crate) wire: String,
    /// The table.
    pub(crate) table: String,
    /// The queue that tracking sends batches to.
    pub(crate) stats_queue: String,
    /// Its queue for the live radar.
    pub(crate) live_queue: String,
    /// The aggregator's dead-letter queue.
    pub(crate) dead_letters: String,
    /// The public keys of tokens.
    pub(crate) jwks: String,
}

/// All root certificates in one file, as on Amazon Linux. By default the SDK would find Debian's
/// directory too, with a file for each: 2 ms at every start.
const ROOTS: [&str; 2] = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt"];

/// The environment of every function: each reads what it needs. A function that stops at its start
/// names the variable that is missing here.
pub(crate) fn variables(places: &Places) -> BTreeMap<String, String> {
    let nobody = "http://127.0.0.1:9";
    let roots = ROOTS.into_iter().find(|path| Path::new(path).exists()).unwrap_or_default();
    let given = [
        ("AWS_ENDPOINT_URL", places.wire.as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_LAMBDA_FUNCTION_NAME", "lab"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "lab"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "lab"),
        ("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH", "true"),
        ("TABLE_NAME", &places.table),
        ("TOKEN_VERIFICATION_KEYS", &places.jwks),
        ("CURSOR_KEY", "Y3Vyc29ycyBvZiB0aGUgbGFiLCAzMiBieXRlcyBsb25nLiA="),
        ("STATS_QUEUE_URL", &places.stats_queue),
        ("STATS_DLQ_URL", &places.dead_letters),
        // The live radar is best effort: its queue gets the same faults here.
        ("LIVE_QUEUE_URL", &places.live_queue),
        ("LIVE_DLQ_URL", &places.dead_letters),
        ("CONNECTIONS_URL", nobody),
        ("INSPECTION_QUEUE_URL", &places.stats_queue),
        ("INSPECTION_DLQ_URL", &places.dead_letters),
        ("MEDIA_BUCKET", "lab-media"),
        ("MEDIA_URL", nobody),
        // A fault may take several attempts; another test covers giving up.
        ("MAX_ATTEMPTS", "50"),
        ("CONFLICTS_MILLISECONDS", "15000"),
        ("LEADERBOARDS_LAG_SECONDS", "60"),
        ("ORGANIZATION_SECRET", ORGANIZATION_SECRET),
        ("WECHAT_SECRET_PREFIX", "lab/wechat/"),
        ("WECHAT_BASE_URL", nobody),
        ("SMS_SECRET", "lab/sms"),
        ("SMS_BASE_URL", nobody),
        ("SMS_COUNTRIES", "86"),
        ("SSL_CERT_FILE", roots),
    ];
    given.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The secrets that functions read.
pub(crate) fn secrets() -> BTreeMap<String, String> {
    let pair = Ed25519KeyPair::generate().expect("a key pair");
    let pkcs8 = pair.to_pkcs8().expect("a PKCS8 document");
    let text = json!({
        "signing_key": {"kid": "lab", "pkcs8": BASE64.encode(pkcs8.as_ref())},
        "operator_key_sha256": [],
        "claim_pepper": BASE64.encode(&[7; 32]),
    });
    BTreeMap::from([(ORGANIZATION_SECRET.to_owned(), text.to_string())])
}
