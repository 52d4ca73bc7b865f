//! AWS clients: one constructor each, so that a function links only what it uses.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

/// A client of the gateway's open sockets.
pub use aws_sdk_apigatewaymanagement::Client as SocketsClient;

/// One attempt of a call; far above what DynamoDB and SQS need.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(2_000);
/// A call with its retries; below every function's time-out.
const OPERATION_TIMEOUT: Duration = Duration::from_millis(6_000);
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_000);
/// The same for a whole file, which may have 50 MB.
const FILE_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
const FILE_OPERATION_TIMEOUT: Duration = Duration::from_secs(20);

/// Region, credentials and time-outs for all clients. Loaded once, in init.
pub async fn load() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    // Pinned: a later behaviour version changes retries and time-outs.
    aws_config::defaults(BehaviorVersion::v2026_01_12()).timeout_config(timeouts).load().await
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
