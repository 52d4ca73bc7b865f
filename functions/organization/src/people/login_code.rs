//! Login codes: exchanged at WeChat for who it is, within the budgets of the company and of the address.

use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::kernel::budget::BudgetName;
use domain::kernel::failure::Failure;
use domain::kernel::text::AppId;
use domain::kernel::timestamp::Timestamp;
use edge::client::Client;
use edge::problem::{Code, Problem};
use wechat::{Login, LoginCode, WeChatError};

use crate::App;
use crate::apps::{ChannelError, MiniProgram};

/// Why a login code is not exchanged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExchangeError {
    /// The budget, or the table.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The mini-program is not set up.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// WeChat's answer.
    #[error(transparent)]
    WeChat(#[from] WeChatError),
}

impl From<ExchangeError> for Problem {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Failed(failure) => failure.into(),
            ExchangeError::Channel(error) => error.into(),
            ExchangeError::WeChat(error) => wechat_problem(error, Code::LoginCodeInvalid),
        }
    }
}

/// Counts a login of the address. One that has sent too many wrong codes is refused without any call.
pub(crate) fn admit(client: &Client, now: Timestamp) -> Result<(), Problem> {
    client.spend(&[BudgetSpend::one(BudgetName::Sessions, client.address())], now)?;
    client.look(&wrong_code(client), now)
}

/// What a code costs that WeChat refuses.
fn wrong_code(client: &Client) -> BudgetSpend {
    BudgetSpend::one(BudgetName::RefusedLoginCodes, client.address())
}

impl App {
    /// Exchanges the login code at WeChat, if the company's budget has one left. A code that WeChat
    /// refuses costs its sender and not the company.
    pub(crate) async fn exchange_code(
        &self,
        (appid, code): (&AppId, &LoginCode),
        at: &MiniProgram,
        client: &Client,
        now: Timestamp,
    ) -> Result<Login, ExchangeError> {
        let token = BudgetSpend::one(BudgetName::LoginCodes, BudgetSubject::Company(at.company));
        self.store.spend(&token, now).await?;
        let answer = self.wechat.code_to_session(appid, &at.secret, code).await;
        if matches!(answer, Err(WeChatError::CodeInvalid(_))) {
            self.charge_sender(&token, client, now).await?;
        }
        Ok(answer?)
    }

    /// Gives the company its token back, and takes one from the address.
    async fn charge_sender(&self, token: &BudgetSpend, client: &Client, now: Timestamp) -> Result<(), Failure> {
        let wrong = wrong_code(client);
        let (back, taken) = tokio::join!(self.store.give_back(token), self.store.spend(&wrong, now));
        if let Err(cause) = back {
            tracing::warn!(%cause, "the token of a refused login code was not given back");
        }
        if let Err(Failure::OverBudget(over)) = taken {
            client.remember(&wrong, over, now);
        }
        taken
    }
}

/// The problem for an error of WeChat; `code_invalid` if the code is the cause.
pub(crate) fn wechat_problem(error: WeChatError, code_invalid: Code) -> Problem {
    let code = match error {
        WeChatError::CodeInvalid(_) => code_invalid,
        WeChatError::Blocked => Code::LoginBlocked,
        WeChatError::TooMany(_) => Code::TooManyRequests,
        WeChatError::Misconfigured(_) => Code::ChannelNotConfigured,
        WeChatError::Busy | WeChatError::TokenRefused(_) | WeChatError::Unavailable(_) => Code::Unavailable,
    };
    Problem::of(code).caused_by(error)
}
