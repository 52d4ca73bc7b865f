//! The emulators that `scripts/test unit` starts, each test with its own table and queue.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType,
};
use aws_types::SdkConfig;
use runtime::config::Env;
use store::{EXPIRY_ATTRIBUTES, EXPIRY_INDEX, KEY_ATTRIBUTES};
use uuid::Uuid;

/// A client configuration for the service at `endpoint`.
pub fn config(endpoint: &str) -> SdkConfig {
    anywhere().to_builder().endpoint_url(endpoint).build()
}

/// A client configuration that knows no service yet.
pub fn anywhere() -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "testkit");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

fn endpoint(name: &'static str) -> String {
    let missing = |error| panic!("{error}: run the tests with scripts/test unit, which starts the emulators");
    Env::process().required(name).unwrap_or_else(missing)
}

/// A client of DynamoDB Local and the name of a new, empty table.
pub async fn table() -> (aws_sdk_dynamodb::Client, String) {
    let client = aws_sdk_dynamodb::Client::new(&config(&endpoint("DYNAMODB_ENDPOINT")));
    let name = format!("t-{}", unique());
    let create = client.create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest);
    let definition = |name: &str| {
        let definition = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
        definition.build().expect("complete")
    };
    let projection = Projection::builder().projection_type(ProjectionType::All).build();
    let index =
        GlobalSecondaryIndex::builder().index_name(EXPIRY_INDEX).set_key_schema(Some(schema(EXPIRY_ATTRIBUTES)));
    let create = create
        .set_attribute_definitions(Some(KEY_ATTRIBUTES.into_iter().chain(EXPIRY_ATTRIBUTES).map(definition).collect()))
        .set_key_schema(Some(schema(KEY_ATTRIBUTES)))
        .global_secondary_indexes(index.projection(projection).build().expect("complete"));
    create.send().await.expect("DynamoDB Local creates a table");
    (client, name)
}

/// Partition and sort key.
fn schema(names: [&str; 2]) -> Vec<KeySchemaElement> {
    let element =
        |(name, kind)| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("complete");
    names.into_iter().zip([KeyType::Hash, KeyType::Range]).map(element).collect()
}

/// A client of LocalStack and the URL of a new, empty queue.
pub async fn queue() -> (aws_sdk_sqs::Client, String) {
    let client = aws_sdk_sqs::Client::new(&config(&endpoint("SQS_ENDPOINT")));
    let created = client.create_queue().queue_name(unique()).send().await.expect("LocalStack creates a queue");
    (client, created.queue_url.expect("a queue has a URL"))
}

/// The configuration of LocalStack's S3, and the name and address of a new, empty bucket.
pub async fn bucket() -> (SdkConfig, String, String) {
    let endpoint = endpoint("S3_ENDPOINT");
    let (sdk, name) = (config(&endpoint), unique());
    let s3 = aws_sdk_s3::Client::new(&sdk);
    s3.create_bucket().bucket(&name).send().await.expect("LocalStack creates a bucket");
    let url = format!("{endpoint}/{name}");
    (sdk, name, url)
}

fn unique() -> String {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("random bytes");
    Uuid::from_bytes(bytes).simple().to_string()
}
