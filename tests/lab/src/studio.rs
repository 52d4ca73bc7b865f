//! A company whose functions' calls pass a tap, and that can be restored.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_smithy_runtime_api::client::http::http_client_fn;
use aws_types::SdkConfig;
use aws_types::sdk_config::RequestChecksumCalculation;
use domain::kernel::timestamp::Timestamp;
use mingpian_tests::functions::Functions;
use runtime::failed_messages::FailedMessageQueues;
use store::Store;
use testkit::clock::ids_from;
use testkit::emulators;
use testkit::world::World;

use crate::masks::{made, masked};
use crate::memory::Memory;
use crate::rows::{Rows, TableRows};
use crate::sites::Site;
use crate::tap::Tap;

/// The seed of the ids of trials; those of a world have seed 1.
const SEED: u64 = 1 << 40;
/// The SDK's pause before a retry, which is a hundred times as long by default.
const BACKOFF: Duration = Duration::from_micros(100);

/// The company.
pub(crate) struct Studio {
    /// The company, with clients on the tap.
    pub(crate) world: World,
    /// The tap.
    pub(crate) tap: Tap,
    /// Its table, accessed without the tap.
    pub(crate) table: TableRows,
    queue: (aws_sdk_sqs::Client, String),
    noon: Timestamp,
    /// The original content of the table; `None` for a company that is only read.
    first: Option<Rows>,
}

impl Studio {
    /// Wraps this company; `is_read` if nothing in it will change.
    pub(crate) async fn around(mut world: World, sites: Arc<[Site]>, dynamodb: &str, is_read: bool) -> Self {
        let tap = Tap::new(sites);
        let connector = tap.connector();
        world.aws = SdkConfig::to_builder(&world.aws)
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .retry_config(RetryConfig::standard().with_initial_backoff(BACKOFF).with_max_backoff(BACKOFF))
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build();
        // Thousands of calls fail here: the SDK must not use up its retry tokens.
        let courage = RetryPartition::custom("lab").token_bucket(TokenBucket::unlimited()).build();
        let config = aws_sdk_dynamodb::config::Builder::from(&world.aws).retry_partition(courage);
        world.dynamodb = aws_sdk_dynamodb::Client::from_conf(config.endpoint_url(dynamodb).build());
        world.store = Store::new(world.dynamodb.clone(), world.table.clone());
        let mut table = TableRows::at(dynamodb, &world.table);
        let first = (!is_read).then(|| table.rows());
        Self { tap, table, queue: emulators::queue().await, noon: world.clock.now(), first, world }
    }

    /// Restores the company.
    pub(crate) fn rewind(&mut self) {
        self.tap.set_plan(None);
        self.tap.set_memory(Memory::default());
        self.world.clock.set(self.noon);
        self.world.ids = ids_from(SEED);
        if let Some(first) = &self.first {
            self.table.restore(first);
        }
    }

    /// Its functions, with empty caches.
    pub(crate) async fn functions(&self) -> Functions {
        let functions = Functions::sending_to(&self.world, self.queue.clone(), self.queue.1.clone()).await;
        // A process asks for it once a minute.
        Box::pin(functions.store.is_suspended(self.world.company)).await.expect("the table answers");
        functions
    }

    /// A client configuration for the services in memory.
    pub(crate) fn memory(&self) -> SdkConfig {
        self.world.aws.to_builder().endpoint_url("http://127.0.0.1:9").build()
    }

    /// What becomes of messages that the functions do not process.
    pub(crate) fn failed_messages(&self) -> FailedMessageQueues {
        FailedMessageQueues::new(self.queue.0.clone(), self.queue.1.clone(), self.queue.1.clone())
    }

    /// The ids and secrets that exist.
    pub(crate) fn known(&mut self) -> BTreeSet<String> {
        self.texts().iter().flat_map(|text| made(text)).map(str::to_owned).collect()
    }

    /// An answer, and all that is stored and was sent, except for ids and secrets made since
    /// `known`.
    pub(crate) fn seen(&mut self, answer: &str, known: &BTreeSet<String>) -> Vec<String> {
        masked(answer, &self.texts(), known)
    }

    fn texts(&mut self) -> Vec<String> {
        if self.first.is_none() {
            return Vec::new();
        }
        let Memory { files, frames } = self.tap.memory();
        let rows = self.table.rows().into_values().map(|row| row.to_string());
        let files = files.iter().map(|(path, bytes)| format!("{path}: {} bytes", bytes.len()));
        rows.chain(files).chain(frames.iter().map(|(socket, frame)| format!("{socket} got {frame}"))).collect()
    }
}
