//! Mini-programs: their companies and their app secrets. Both change rarely and are cached, so that
//! a login need not read them again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_sdk_secretsmanager::error::DisplayErrorContext;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::text::AppId;
use domain::kernel::timestamp::{SECOND_MS, Timestamp};
use edge::problem::{Code, Problem};
use runtime::clients::LazyClient;
use store::Store;
use wechat::AppSecret;

/// How long an answer is cached; a changed secret works after this time at the latest.
const KEPT_MS: i64 = 300 * SECOND_MS;

/// A mini-program that people can log in to.
#[derive(Clone)]
pub(crate) struct MiniProgram {
    pub(crate) company: Company,
    pub(crate) secret: AppSecret,
}

/// The reason why nobody can log in to a mini-program.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChannelError {
    /// Its app secret is not stored; the text names the missing part, for the log.
    #[error("{0}")]
    NotConfigured(&'static str),
    /// Any other failure.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<ChannelError> for Problem {
    fn from(error: ChannelError) -> Self {
        match error {
            ChannelError::NotConfigured(cause) => Self::of(Code::ChannelNotConfigured).caused_by(cause),
            ChannelError::Failed(failure) => failure.into(),
        }
    }
}

/// The mini-programs that were used recently.
pub(crate) struct Apps {
    store: Store,
    secrets: LazyClient<aws_sdk_secretsmanager::Client>,
    secret_prefix: String,
    kept: Mutex<HashMap<AppId, (MiniProgram, Timestamp)>>,
}

impl Apps {
    pub(crate) fn new(
        store: Store,
        secrets: LazyClient<aws_sdk_secretsmanager::Client>,
        secret_prefix: String,
    ) -> Self {
        Self { store, secrets, secret_prefix, kept: Mutex::default() }
    }

    /// The mini-program with this app id.
    pub(crate) async fn get(&self, appid: &AppId, now: Timestamp) -> Result<MiniProgram, ChannelError> {
        if let Some(app) = self.kept(appid, now) {
            return Ok(app);
        }
        let company = self.store.company_of_app(appid).await?;
        let app = MiniProgram { company, secret: self.secret(appid).await? };
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(appid.clone(), (app.clone(), now));
        Ok(app)
    }

    fn kept(&self, appid: &AppId, now: Timestamp) -> Option<MiniProgram> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(appid).filter(|(_, at)| now.millis() - at.millis() < KEPT_MS).map(|(app, _)| app.clone())
    }

    async fn secret(&self, appid: &AppId) -> Result<AppSecret, ChannelError> {
        let name = format!("{}{}", self.secret_prefix, appid.as_str());
        match self.secrets.get_secret_value().secret_id(name).send().await {
            Ok(answer) => match answer.secret_string {
                Some(secret) if !secret.trim().is_empty() => Ok(AppSecret::new(secret.trim().to_owned())),
                _ => Err(ChannelError::NotConfigured("the app secret is empty")),
            },
            Err(error) => match error.as_service_error() {
                Some(GetSecretValueError::ResourceNotFoundException(_)) => {
                    Err(ChannelError::NotConfigured("there is no app secret"))
                }
                _ => Err(Failure::Unavailable(DisplayErrorContext(error).to_string()).into()),
            },
        }
    }
}
