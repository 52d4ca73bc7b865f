//! The SMS channel: its account is in a secret. Without the secret the channel is off.

use app::Flow;
use app::people::activation::{CodeChannel, CodeDraft};
use domain::kernel::id::MemberId;
use std::sync::{Mutex, PoisonError};

use aws_sdk_secretsmanager::error::DisplayErrorContext;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use domain::kernel::failure::Failure;
use domain::kernel::mobile::{CallingCodes, Mobile};
use domain::kernel::timestamp::{SECOND_MS, Timestamp};
use domain::people::activation::{CODE_LIFE_MS, RadarCode};
use runtime::clients::LazyClient;
use wechat::{Sms, SmsAccount, SmsError};

use crate::App;

/// How long an answer is cached; a changed secret works after this time at the latest.
const KEPT_MS: i64 = 300 * SECOND_MS;

/// The account, or that there is none, and when it was read.
type Kept = Option<(Option<SmsAccount>, Timestamp)>;

/// Sends radar codes.
pub(crate) struct SmsChannel {
    sms: Sms,
    countries: CallingCodes,
    secrets: LazyClient<aws_sdk_secretsmanager::Client>,
    secret_name: String,
    kept: Mutex<Kept>,
}

impl SmsChannel {
    pub(crate) fn new(
        sms: Sms,
        countries: CallingCodes,
        secrets: LazyClient<aws_sdk_secretsmanager::Client>,
        secret_name: String,
    ) -> Self {
        Self { sms, countries, secrets, secret_name, kept: Mutex::default() }
    }

    /// The account; `None` if the channel is off.
    pub(crate) async fn account(&self, now: Timestamp) -> Result<Option<SmsAccount>, Failure> {
        if let Some(account) = self.kept(now) {
            return Ok(account);
        }
        let account = self.fetch().await?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((account.clone(), now));
        Ok(account)
    }

    fn kept(&self, now: Timestamp) -> Option<Option<SmsAccount>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|(_, at)| now.millis() - at.millis() < KEPT_MS).map(|(account, _)| account.clone())
    }

    async fn fetch(&self) -> Result<Option<SmsAccount>, Failure> {
        match self.secrets.get_secret_value().secret_id(&self.secret_name).send().await {
            Ok(answer) => {
                let account = answer.secret_string.and_then(|text| serde_json::from_str(&text).ok());
                account.map(Some).ok_or_else(|| Failure::Corrupt("the SMS secret has another form".to_owned()))
            }
            Err(error) => match error.as_service_error() {
                Some(GetSecretValueError::ResourceNotFoundException(_)) => Ok(None),
                _ => Err(Failure::Unavailable(DisplayErrorContext(error).to_string())),
            },
        }
    }

    /// Sends a code. The account's template takes the code and its validity in minutes.
    pub(crate) async fn send(
        &self,
        account: &SmsAccount,
        to: &Mobile,
        code: &RadarCode,
        now: Timestamp,
    ) -> Result<(), SmsError> {
        let minutes = (CODE_LIFE_MS / (60 * SECOND_MS)).to_string();
        self.sms.send(account, to, &[code.reveal(), &minutes], now).await
    }
}

impl CodeChannel for App {
    type Account = SmsAccount;

    async fn draft(&self, flow: &Flow<'_>, member: MemberId) -> Result<Option<CodeDraft<SmsAccount>>, Failure> {
        let Some(account) = self.sms.account(flow.now).await? else { return Ok(None) };
        let (code, kept) = self.own.keys().await?.radar_codes.new_code(flow.ids, member, flow.now)?;
        Ok(Some(CodeDraft { account, code, kept }))
    }

    fn allows(&self, to: &Mobile) -> bool {
        self.sms.countries.allow(to)
    }

    async fn send(&self, flow: &Flow<'_>, draft: &CodeDraft<SmsAccount>, to: &Mobile) -> Result<(), SmsError> {
        self.sms.send(&draft.account, to, &draft.code, flow.now).await
    }
}
