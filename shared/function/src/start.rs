//! The start of a function.

use aws_types::SdkConfig;
use edge::page::CursorKey;
use edge::token::TokenVerifier;
use runtime::clients::{self, LazyClient};
use runtime::clock::Clock;
use runtime::config::{ConfigError, Env};
use runtime::failed_messages::FailedMessageQueues;
use runtime::ids::Ids;
use runtime::job_queue::JobQueue;
use runtime::s3_signing::SignedBucket;
use runtime::telemetry;
use store::Store;

use crate::http::Common;

/// Why a function does not start.
pub type Error = lambda_runtime::Error;

/// The environment of a function, and how it reaches AWS.
///
/// Each method names the variables it reads; the function that calls it reads them.
#[derive(Debug)]
pub struct Start {
    /// The environment.
    pub env: Env,
    /// Region, credentials and time-outs of all clients.
    pub sdk: SdkConfig,
}

impl Start {
    /// The environment of this process. Logging is on from here.
    pub(crate) fn process() -> Result<Self, ConfigError> {
        telemetry::init();
        let env = Env::process();
        let sdk = clients::load(&env)?;
        Ok(Self { env, sdk })
    }

    /// The table.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn store(&self) -> Result<Store, ConfigError> {
        Ok(Store::new(clients::dynamodb(&self.sdk), self.env.required("TABLE_NAME")?))
    }

    /// The verifier of bearer tokens.
    ///
    /// # Errors
    /// If the keys are missing or cannot be used.
    pub fn tokens(&self) -> Result<TokenVerifier, Error> {
        Ok(TokenVerifier::from_jwks(&self.env.required("TOKEN_VERIFICATION_KEYS")?)?)
    }

    /// The key of cursors, for functions with lists of pages.
    ///
    /// # Errors
    /// If the key is missing or cannot be used.
    pub fn cursors(&self) -> Result<CursorKey, Error> {
        Ok(CursorKey::from_base64(&self.env.required("CURSOR_KEY")?)?)
    }

    /// The secret that CloudFront adds to requests; `None` without CloudFront.
    pub fn edge_secret(&self) -> Option<String> {
        self.env.optional("EDGE_SECRET")
    }

    /// The parts that every HTTP function has.
    ///
    /// # Errors
    /// Errors of [`Self::store`] and [`Self::tokens`].
    pub fn common(&self) -> Result<Common, Error> {
        Ok(Common { store: self.store()?, tokens: self.tokens()?, clock: Clock::system(), ids: Ids::system() })
    }

    /// The bucket of files, for signing.
    ///
    /// # Errors
    /// [`ConfigError`], or no region or credentials.
    pub fn media(&self) -> Result<SignedBucket, Error> {
        let (bucket, url) = (self.env.required("MEDIA_BUCKET")?, self.env.required("MEDIA_URL")?);
        Ok(SignedBucket::new(&self.sdk, bucket, url)?)
    }

    /// The queue of a consumer and the one for messages that nobody can process; their URLs are in
    /// these variables.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn failed_messages(&self, queue: &'static str, dead: &'static str) -> Result<FailedMessageQueues, ConfigError> {
        let (queue, dead) = (self.env.required(queue)?, self.env.required(dead)?);
        Ok(FailedMessageQueues::new(LazyClient::new(&self.sdk, clients::sqs), queue, dead))
    }

    /// The queue of jobs.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn job_queue(&self) -> Result<JobQueue, ConfigError> {
        Ok(JobQueue::new(LazyClient::new(&self.sdk, clients::sqs), self.env.required("JOB_QUEUE_URL")?))
    }

    /// Deliveries after which a message goes to the dead-letter queue.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn max_attempts(&self) -> Result<u32, ConfigError> {
        self.env.required_number("MAX_ATTEMPTS")
    }
}
