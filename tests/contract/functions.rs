//! The functions, built on a test's world.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that cannot go on ends its test")]

use axum::Router;
use domain::kernel::mobile::CallingCodes;
use domain::kernel::timestamp::Timestamp;
use edge::page::{CursorKey, with_cursors};
use edge::token::TokenVerifier;
use function::http::Common;
use housekeeping::Housekeeping;
use recount::Recounter;
use runtime::s3_signing::SignedBucket;
use store::{Store, SweepLimits};
use testkit::world::World;
use testkit::{emulators, vendors};
use tracking::queue::Queues;

/// The base URL of files.
pub const MEDIA_URL: &str = "https://media.example";

/// The routers of all HTTP functions.
pub struct Functions {
    organization: Router,
    card: Router,
    crm: Router,
    radar: Router,
    tracking: Router,
    video: Router,
    /// The queue that tracking sends batches to.
    pub queue: (aws_sdk_sqs::Client, String),
    /// Its queue for the live radar.
    pub live_queue: String,
    /// The table as all but `tracking` have it.
    pub store: Store,
}

impl Functions {
    /// Builds all of them, with empty caches.
    pub async fn on(world: &World) -> Self {
        let (sqs, url) = emulators::queue().await;
        let (_, live_url) = emulators::queue().await;
        Self::sending_to(world, (sqs, url), live_url).await
    }

    /// The same with these queues.
    pub async fn sending_to(world: &World, queue: (aws_sdk_sqs::Client, String), live_queue: String) -> Self {
        // Signing makes no call: the bucket need not exist.
        let media = SignedBucket::new(&emulators::config(MEDIA_URL), "media".to_owned(), MEDIA_URL.to_owned()).unwrap();
        let common = common(world);
        let store = common.store.clone();
        let card = with_cursors(card::build(common.clone(), media.clone()), cursors());
        let video = video::build(common.clone(), media.clone());
        let radar = with_cursors(radar::build(common.clone()), cursors());
        let crm = with_cursors(crm::build(common.clone(), media), cursors());
        let tracking = tracking(world, &queue.0, &queue.1, &live_queue);
        let organization = organization_of(common, world, ("organization", "sms"));
        Self { organization, card, crm, radar, tracking, video, live_queue, queue, store }
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

/// The parts of every HTTP function, on the world's table; its store has no cache.
fn common(world: &World) -> Common {
    Common {
        store: Store::new(world.dynamodb.clone(), world.table.clone()),
        tokens: TokenVerifier::from_jwks(&world.keys.jwks).unwrap(),
        clock: world.clock.clock(),
        ids: world.ids.clone(),
    }
}

/// The key of cursors of all functions.
fn cursors() -> CursorKey {
    CursorKey::from_base64("Y3Vyc29ycyBvZiB0ZXN0cywgMzIgYnl0ZXMgbG9uZy4=").unwrap()
}

/// The tracking function, sending to these queues.
pub fn tracking(world: &World, sqs: &aws_sdk_sqs::Client, stats_url: &str, live_url: &str) -> Router {
    let queues = Queues::new(sqs.clone(), stats_url.to_owned(), live_url.to_owned());
    tracking::build(common(world), queues)
}

/// The organization function, its SMS account in the secret of this name.
pub async fn organization(world: &World, sms_secret: &str) -> Router {
    organization_with(world, "organization", sms_secret).await
}

/// The same with its own keys in the secret of another name.
pub async fn organization_with(world: &World, own_secret: &str, sms_secret: &str) -> Router {
    organization_of(common(world), world, (own_secret, sms_secret))
}

fn organization_of(common: Common, world: &World, (own_secret, sms_secret): (&str, &str)) -> Router {
    let vendors = vendors::start();
    let config = organization::Config {
        organization_secret: own_secret.to_owned(),
        wechat_secret_prefix: "wechat/".to_owned(),
        wechat_base_url: vendors.clone(),
        sms_secret: sms_secret.to_owned(),
        sms_base_url: vendors.clone(),
        sms_countries: CallingCodes::parse("86").unwrap(),
    };
    let secrets = aws_sdk_secretsmanager::Client::new(&world.aws.to_builder().endpoint_url(vendors).build());
    with_cursors(organization::build(common, config, secrets.into()), cursors())
}

/// The end of a run that takes the time it needs.
pub fn no_stop() -> Timestamp {
    Timestamp::from_millis(i64::MAX)
}

/// A sweep of at most `items` things.
pub fn limits(world: &World, items: u32) -> SweepLimits {
    SweepLimits { items, clock: world.clock.clock(), last_start: no_stop() }
}

/// Housekeeping with leaderboards this many seconds behind, and a bucket of its own.
pub async fn housekeeping(world: &World, leaderboards_lag_s: u32) -> Housekeeping {
    let (sdk, media_bucket, _) = emulators::bucket().await;
    let (store, s3) = (common(world).store, aws_sdk_s3::Client::new(&sdk));
    Housekeeping { store, leaderboards_lag_s, s3, media_bucket, clock: world.clock.clock(), ids: world.ids.clone() }
}

/// The recount of the world's table.
pub fn recounter(world: &World) -> Recounter {
    Recounter { store: common(world).store, clock: world.clock.clock() }
}
