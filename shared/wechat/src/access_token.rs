//! Access tokens of mini-programs (`stable_token`), kept while they are valid.
//!
//! In normal mode the vendor returns the same token to all callers until shortly before it expires,
//! so each environment keeps its own copy and no lock is shared.

use std::collections::HashMap;

use domain::kernel::text::AppId;
use domain::kernel::timestamp::{SECOND_MS, Timestamp};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use crate::transport::{AppSecret, WeChat, WeChatError};

/// A token is renewed if less than this is left; the vendor accepts the old one for five more
/// minutes.
const RENEW_BEFORE_MS: i64 = 600 * SECOND_MS;

/// An access token. Has no `Debug`, so that it does not get into a log.
#[derive(Clone)]
pub struct AccessToken(String);

impl AccessToken {
    /// The token, for the query string of a request.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

#[derive(Deserialize)]
struct StableToken {
    access_token: String,
    expires_in: i64,
}

/// The access tokens of all mini-programs that this environment has worked for.
pub struct AccessTokens {
    pub(crate) wechat: WeChat,
    kept: Mutex<HashMap<AppId, (AccessToken, Timestamp)>>,
}

impl AccessTokens {
    /// No token is kept yet.
    pub fn new(wechat: WeChat) -> Self {
        Self { wechat, kept: Mutex::default() }
    }

    /// A token that is valid at `now`; calls the vendor only if none is kept.
    ///
    /// # Errors
    /// [`WeChatError`].
    pub async fn get(&self, appid: &AppId, secret: &AppSecret, now: Timestamp) -> Result<AccessToken, WeChatError> {
        // Held during the call, so that parallel callers make one call.
        let mut kept = self.kept.lock().await;
        if let Some((token, until)) = kept.get(appid)
            && now < *until
        {
            return Ok(token.clone());
        }
        let body = json!({
            "grant_type": "client_credential",
            "appid": appid.as_str(),
            "secret": secret.reveal(),
            "force_refresh": false,
        });
        let fresh: StableToken = self.wechat.send(self.wechat.post("/cgi-bin/stable_token", &[], &body)).await?;
        let token = AccessToken(fresh.access_token);
        let until = now.plus_millis(fresh.expires_in.saturating_mul(SECOND_MS) - RENEW_BEFORE_MS);
        kept.insert(appid.clone(), (token.clone(), until));
        Ok(token)
    }

    /// Drops a token that the vendor has rejected (40001, 40014, 42001).
    pub async fn forget(&self, appid: &AppId) {
        self.kept.lock().await.remove(appid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::tests::vendor;

    #[tokio::test]
    async fn the_vendor_is_asked_once_until_the_token_is_nearly_over_or_forgotten() {
        let (wechat, asked) = vendor(&[
            r#"{"access_token":"t1","expires_in":7200}"#,
            r#"{"access_token":"t2","expires_in":300}"#,
            r#"{"access_token":"t3","expires_in":7200}"#,
        ]);
        let tokens = AccessTokens::new(wechat);
        let (appid, secret) = (AppId::parse("wx1").unwrap(), AppSecret::new("s".to_owned()));
        let start = Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap();
        let at = async |seconds: i64| tokens.get(&appid, &secret, start.plus_millis(seconds * 1_000)).await.unwrap().0;
        assert_eq!((at(0).await, at(6_599).await), ("t1".to_owned(), "t1".to_owned()));
        assert_eq!(at(6_600).await, "t2");
        tokens.forget(&appid).await;
        assert_eq!(at(6_601).await, "t3");
        let first = asked.recv().unwrap();
        assert!(first.starts_with("POST /cgi-bin/stable_token ") && first.contains("\"force_refresh\":false"));
    }
}
