//! The functions, built on a test's world.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that cannot go on ends its test")]

use axum::Router;
use housekeeping::Housekeeping;
use recount::Recounter;
use runtime::s3_signing::SignedBucket;
use testkit::clock::TestClock;
use testkit::world::World;
use testkit::{emulators, vendors};

/// Where files are read.
pub const MEDIA_URL: &str = "https://media.example";

/// The routers of all HTTP functions.
pub struct Functions {
    organization: Router,
    card: Router,
    crm: Router,
    radar: Router,
    tracking: Router,
    video: Router,
    /// Where tracking sends batches.
    pub queue: (aws_sdk_sqs::Client, String),
    /// Where it sends them for the live radar.
    pub live_queue: String,
}

impl Functions {
    /// Builds them, each with its caches empty.
    pub async fn on(world: &World) -> Self {
        let (sqs, url) = emulators::queue().await;
        let (_, live_url) = emulators::queue().await;
        Self::sending_to(world, (sqs, url), live_url).await
    }

    /// The same with these queues.
    pub async fn sending_to(world: &World, queue: (aws_sdk_sqs::Client, String), live_queue: String) -> Self {
        let table_name = || world.table.clone();
        let keys = || world.keys.jwks.clone();
        let (dynamodb, clock, ids) = (|| world.dynamodb.clone(), TestClock::clock, || world.ids.clone());
        // Signing asks nobody: there need not be a bucket.
        let (media_bucket, media_url) = (|| "media".to_owned(), || MEDIA_URL.to_owned());
        let media = SignedBucket::new(&emulators::config(MEDIA_URL), media_bucket(), media_url()).unwrap();
        let config = card::Config {
            table_name: table_name(),
            token_verification_keys: keys(),
            media_bucket: media_bucket(),
            media_url: media_url(),
        };
        let card = card::build(config, dynamodb(), media.clone(), clock(&world.clock), ids()).unwrap();
        let config = video::Config {
            table_name: table_name(),
            token_verification_keys: keys(),
            media_bucket: media_bucket(),
            media_url: media_url(),
        };
        let video = video::build(config, dynamodb(), media, clock(&world.clock), ids()).unwrap();
        let config = radar::Config { table_name: table_name(), token_verification_keys: keys() };
        let radar = radar::build(config, dynamodb(), clock(&world.clock)).unwrap();
        let config = crm::Config { table_name: table_name(), token_verification_keys: keys() };
        let crm = crm::build(config, dynamodb(), clock(&world.clock), ids()).unwrap();
        let tracking = tracking(world, &queue.0, &queue.1, &live_queue);
        Self { organization: organization(world, "sms").await, card, crm, radar, tracking, video, live_queue, queue }
    }

    /// The router of one function.
    pub fn router(&self, function: &str) -> &Router {
        match function {
            "organization" => &self.organization,
            "card" => &self.card,
            "crm" => &self.crm,
            "radar" => &self.radar,
            "tracking" => &self.tracking,
            "video" => &self.video,
            other => panic!("{other} has no routes"),
        }
    }
}

/// The tracking function, sending to these queues.
pub fn tracking(world: &World, sqs: &aws_sdk_sqs::Client, stats_url: &str, live_url: &str) -> Router {
    let config = tracking::Config {
        table_name: world.table.clone(),
        stats_queue_url: stats_url.to_owned(),
        live_queue_url: live_url.to_owned(),
        token_verification_keys: world.keys.jwks.clone(),
    };
    tracking::build(config, world.dynamodb.clone(), sqs.clone(), world.clock.clock()).unwrap()
}

/// The organization function, its SMS account in the secret of this name.
pub async fn organization(world: &World, sms_secret: &str) -> Router {
    organization_with(world, "organization", sms_secret).await
}

/// The same with its own keys in the secret of another name.
pub async fn organization_with(world: &World, own_secret: &str, sms_secret: &str) -> Router {
    let vendors = vendors::start();
    let config = organization::Config {
        table_name: world.table.clone(),
        token_verification_keys: world.keys.jwks.clone(),
        organization_secret: own_secret.to_owned(),
        wechat_secret_prefix: "wechat/".to_owned(),
        wechat_base_url: vendors.clone(),
        sms_secret: sms_secret.to_owned(),
        sms_base_url: vendors.clone(),
    };
    let secrets = aws_sdk_secretsmanager::Client::new(&world.aws.to_builder().endpoint_url(vendors).build());
    organization::build(config, world.dynamodb.clone(), secrets, world.clock.clock(), world.ids.clone()).unwrap()
}

/// Housekeeping with boards that are so many seconds behind, and a bucket of its own.
pub async fn housekeeping(world: &World, boards_lag_s: u32) -> Housekeeping {
    let (sdk, media_bucket, _) = emulators::bucket().await;
    let config = housekeeping::Config { table_name: world.table.clone(), boards_lag_s, media_bucket };
    let s3 = aws_sdk_s3::Client::new(&sdk);
    Housekeeping::new(config, world.dynamodb.clone(), s3, world.clock.clock())
}

/// The recount of the world's table.
pub fn recounter(world: &World) -> Recounter {
    let config = recount::Config { table_name: world.table.clone() };
    Recounter::new(config, world.dynamodb.clone(), world.clock.clock())
}
