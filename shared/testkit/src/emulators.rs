//! The emulators that `scripts/test unit` starts, each test with its own table and queue.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use runtime::config::Env;
use store::KEY_ATTRIBUTES;
use uuid::Uuid;

/// A client configuration for the service at `endpoint`.
pub async fn config(endpoint: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "testkit"))
        .load()
        .await
}

fn endpoint(name: &'static str) -> String {
    let missing = |error| panic!("{error}: run the tests with scripts/test unit, which starts the emulators");
    Env::process().required(name).unwrap_or_else(missing)
}

/// A client of DynamoDB Local and the name of a new, empty table.
pub async fn table() -> (aws_sdk_dynamodb::Client, String) {
    let client = aws_sdk_dynamodb::Client::new(&config(&endpoint("DYNAMODB_ENDPOINT")).await);
    let name = format!("t-{}", unique());
    let mut create = client.create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest);
    for (attribute, kind) in KEY_ATTRIBUTES.into_iter().zip([KeyType::Hash, KeyType::Range]) {
        let definition =
            AttributeDefinition::builder().attribute_name(attribute).attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder().attribute_name(attribute).key_type(kind);
        create = create
            .attribute_definitions(definition.build().expect("complete"))
            .key_schema(key.build().expect("complete"));
    }
    create.send().await.expect("DynamoDB Local creates a table");
    (client, name)
}

/// A client of LocalStack and the URL of a new, empty queue.
pub async fn queue() -> (aws_sdk_sqs::Client, String) {
    let client = aws_sdk_sqs::Client::new(&config(&endpoint("SQS_ENDPOINT")).await);
    let created = client.create_queue().queue_name(unique()).send().await.expect("LocalStack creates a queue");
    (client, created.queue_url.expect("a queue has a URL"))
}

fn unique() -> String {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("random bytes");
    Uuid::from_bytes(bytes).simple().to_string()
}
