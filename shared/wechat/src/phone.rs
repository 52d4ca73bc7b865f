//! Phone grants: a code of the button "get phone number" becomes a number.

use domain::kernel::mobile::Mobile;
use domain::kernel::text::{AppId, OpaqueText};
use domain::kernel::timestamp::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::access_token::AccessTokens;
use crate::transport::{AppSecret, WeChatError};

/// A code of a phone grant: single use, five minutes, different from the code of a login.
pub type PhoneCode = OpaqueText<128>;

#[derive(Deserialize)]
struct Granted {
    phone_info: PhoneInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhoneInfo {
    pure_phone_number: String,
    country_code: CountryCode,
    watermark: Watermark,
}

/// The vendor's samples show a number, its tables a string.
#[derive(Deserialize)]
#[serde(untagged)]
enum CountryCode {
    Text(String),
    Number(u32),
}

#[derive(Deserialize)]
struct Watermark {
    appid: String,
}

impl AccessTokens {
    /// The number that was granted to this mini-program.
    ///
    /// # Errors
    /// [`WeChatError`]. After an unclear failure the client has to get a new code.
    pub async fn phone_number(
        &self,
        appid: &AppId,
        secret: &AppSecret,
        code: &PhoneCode,
        now: Timestamp,
    ) -> Result<Mobile, WeChatError> {
        let granted = match self.ask_phone(appid, secret, code, now).await {
            // A rejected token has not used up the code.
            Err(WeChatError::TokenRefused(_)) => {
                self.forget(appid).await;
                self.ask_phone(appid, secret, code, now).await
            }
            answer => answer,
        };
        let PhoneInfo { pure_phone_number, country_code, watermark } = granted?.phone_info;
        if watermark.appid != appid.as_str() {
            return Err(WeChatError::Unavailable("a number for another mini-program".to_owned()));
        }
        let country_code = match country_code {
            CountryCode::Text(text) => text,
            CountryCode::Number(number) => number.to_string(),
        };
        let number = format!("+{}{pure_phone_number}", country_code.trim_start_matches('+'));
        Mobile::parse(&number).map_err(|_| WeChatError::Unavailable("unreadable number".to_owned()))
    }

    async fn ask_phone(
        &self,
        appid: &AppId,
        secret: &AppSecret,
        code: &PhoneCode,
        now: Timestamp,
    ) -> Result<Granted, WeChatError> {
        let token = self.get(appid, secret, now).await?;
        let (query, body) = ([("access_token", token.reveal())], json!({ "code": code.as_str() }));
        self.wechat.send(self.wechat.post("/wxa/business/getuserphonenumber", &query, &body)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::tests::vendor;

    const TOKEN: &str = r#"{"access_token":"t1","expires_in":7200}"#;

    async fn ask(answers: &'static [&'static str]) -> Result<Mobile, WeChatError> {
        let (wechat, _asked) = vendor(answers);
        let (appid, code) = (AppId::parse("wx1").unwrap(), PhoneCode::parse("c0de").unwrap());
        let now = Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap();
        AccessTokens::new(wechat).phone_number(&appid, &AppSecret::new("s".to_owned()), &code, now).await
    }

    const MAINLAND: &str = r#"{"errcode":0,"errmsg":"ok","phone_info":{"phoneNumber":"13800138000","purePhoneNumber":"13800138000","countryCode":86,"watermark":{"timestamp":1,"appid":"wx1"}}}"#;
    const HONG_KONG: &str = r#"{"phone_info":{"phoneNumber":"+85291234567","purePhoneNumber":"91234567","countryCode":"852","watermark":{"appid":"wx1"}}}"#;
    const FOR_ANOTHER: &str =
        r#"{"phone_info":{"purePhoneNumber":"13800138000","countryCode":"86","watermark":{"appid":"wx2"}}}"#;
    const ODD: &str =
        r#"{"phone_info":{"purePhoneNumber":"1380013800","countryCode":"86","watermark":{"appid":"wx1"}}}"#;
    const REFUSED: &str = r#"{"errcode":40001,"errmsg":"invalid credential"}"#;
    const USED: &str = r#"{"errcode":40029,"errmsg":"invalid code"}"#;

    #[tokio::test]
    async fn a_country_code_is_a_number_or_a_text() {
        assert_eq!(ask(&[TOKEN, MAINLAND]).await.unwrap().reveal(), "+8613800138000");
        assert_eq!(ask(&[TOKEN, HONG_KONG]).await.unwrap().reveal(), "+85291234567");
    }

    #[tokio::test]
    async fn a_refused_token_is_renewed_once() {
        assert!(ask(&[TOKEN, REFUSED, TOKEN, MAINLAND]).await.is_ok());
        assert_eq!(ask(&[TOKEN, REFUSED, TOKEN, REFUSED]).await, Err(WeChatError::TokenRefused(40001)));
    }

    #[tokio::test]
    async fn used_codes_and_numbers_for_others_are_refused_without_telling_the_number() {
        assert_eq!(ask(&[TOKEN, USED]).await, Err(WeChatError::CodeInvalid(40029)));
        for error in [ask(&[TOKEN, FOR_ANOTHER]).await, ask(&[TOKEN, ODD]).await].map(Result::unwrap_err) {
            assert!(!error.to_string().contains("1380013800"), "{error}");
        }
    }
}
