//! AWS clients: one constructor each, so that a function links only what it uses.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};
use aws_types::SdkConfig;

use crate::config::{ConfigError, Env};
use crate::trust::{Trusting, connector};

/// A client of the gateway's open sockets.
pub use aws_sdk_apigatewaymanagement::Client as SocketsClient;

/// The time-out of one attempt; far above what DynamoDB and SQS need.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(2_000);
/// The time-out of a call with its retries; below every function's time-out.
const OPERATION_TIMEOUT: Duration = Duration::from_millis(6_000);
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_000);
/// The same for a whole file, which may have 50 MB.
const FILE_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
const FILE_OPERATION_TIMEOUT: Duration = Duration::from_secs(20);

/// A client that few requests need: it is made for the first one that does, not at every start
/// (ADR 0012). Clones share it.
pub struct LazyClient<C>(Arc<Lazily<C>>);

type Lazily<C> = LazyLock<C, Box<dyn FnOnce() -> C + Send>>;

impl<C: 'static> LazyClient<C> {
    /// A client that `make` will make with this configuration.
    pub fn new(config: &SdkConfig, make: fn(&SdkConfig) -> C) -> Self {
        let config = config.clone();
        Self(Arc::new(LazyLock::new(Box::new(move || make(&config)))))
    }
}

impl<C: Send + 'static> From<C> for LazyClient<C> {
    fn from(client: C) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(move || client))))
    }
}

impl<C> Deref for LazyClient<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0
    }
}

impl<C> Clone for LazyClient<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> fmt::Debug for LazyClient<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LazyClient")
    }
}

/// Region, credentials and time-outs for all clients, from the variables that Lambda sets. The
/// SDK's own search, through profiles, roles and metadata services, would find nothing else, and
/// is not linked (ADR 0012).
///
/// # Errors
/// [`ConfigError`].
pub fn load(env: &Env) -> Result<SdkConfig, ConfigError> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let (key, secret) = (env.required("AWS_ACCESS_KEY_ID")?, env.required("AWS_SECRET_ACCESS_KEY")?);
    let credentials = Credentials::new(key, secret, env.optional("AWS_SESSION_TOKEN"), None, "environment");
    let region = env.required("AWS_REGION")?;
    let mut config = SdkConfig::builder()
        // Pinned: a later behaviour version changes retries and time-outs.
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(http_client(&region))
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .timeout_config(timeouts);
    // For a local stack.
    config.set_endpoint_url(env.optional("AWS_ENDPOINT_URL"));
    Ok(config.build())
}

/// One connector for all clients, so that root certificates are parsed once. Without it each client
/// would parse them when it is made, and again at its first call.
fn http_client(region: &str) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Trusting::to(region, |roots| connector(roots, CONNECT_TIMEOUT)));
    http_client_fn(move |_, _| connector.clone())
}

/// The table.
pub fn dynamodb(config: &SdkConfig) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(config)
}

/// The queues.
pub fn sqs(config: &SdkConfig) -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::new(config)
}

/// The files.
pub fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(FILE_ATTEMPT_TIMEOUT)
        .operation_timeout(FILE_OPERATION_TIMEOUT)
        .build();
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(config).timeout_config(timeouts).build())
}

/// The secrets.
pub fn secrets(config: &SdkConfig) -> aws_sdk_secretsmanager::Client {
    aws_sdk_secretsmanager::Client::new(config)
}

/// The sockets of the WebSocket API whose stage has this URL.
pub fn sockets(config: &SdkConfig, url: &str) -> SocketsClient {
    let config = aws_sdk_apigatewaymanagement::config::Builder::from(config).endpoint_url(url).build();
    SocketsClient::from_conf(config)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const LAMBDA: [(&str, &str); 3] =
        [("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret")];

    #[test]
    fn the_variables_of_lambda_are_enough() {
        let config = load(&Env::of(LAMBDA)).unwrap();
        assert_eq!((config.region().unwrap().as_ref(), config.endpoint_url()), ("us-east-1", None));
        assert!(config.credentials_provider().is_some());
    }

    #[test]
    fn a_lazy_client_is_made_once_and_for_its_first_use() {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let config = load(&Env::of(LAMBDA)).unwrap();
        let client = LazyClient::new(&config, |config| {
            MADE.fetch_add(1, Ordering::Relaxed);
            config.region().unwrap().to_string()
        });
        let clone = client.clone();
        assert_eq!(MADE.load(Ordering::Relaxed), 0);
        assert_eq!((client.as_str(), clone.as_str(), client.as_str()), ("us-east-1", "us-east-1", "us-east-1"));
        assert_eq!(MADE.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn without_credentials_the_missing_variable_is_named() {
        let [region, key, _] = LAMBDA;
        assert_eq!(load(&Env::of([region, key])).unwrap_err(), ConfigError::Missing("AWS_SECRET_ACCESS_KEY"));
    }
}
