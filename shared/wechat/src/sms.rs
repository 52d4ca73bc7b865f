//! SMS by Tencent Cloud (`SendSms`, version 2021-01-11), signed with TC3-HMAC-SHA256.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use domain::kernel::day::Day;
use domain::kernel::mobile::Mobile;
use domain::kernel::timestamp::{DAY_MS, Timestamp};
use serde::{Deserialize, Serialize};

use crate::http::{Http, NoAnswer, VendorRequest};

const CONTENT_TYPE: &str = "application/json; charset=utf-8";
const ALGORITHM: &str = "TC3-HMAC-SHA256";
const SIGNED_HEADERS: &str = "content-type;host";

/// The account that sends. Has no `Debug`, so that it does not get into a log.
#[derive(Clone, Deserialize)]
pub struct SmsAccount {
    secret_id: String,
    secret_key: String,
    sdk_app_id: String,
    sign_name: String,
    template_id: String,
    region: String,
}

/// The vendor's API at a base URL.
#[derive(Debug, Clone)]
pub struct Sms {
    http: Http,
    base_url: String,
}

/// An SMS that was not sent. Holds the vendor's code, never its message, which may repeat the
/// number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SmsError {
    /// Too many messages to this number, or by this account.
    #[error("SMS limit reached ({0})")]
    Limited(String),
    /// Keys, signature, template or balance of the account are not in order.
    #[error("SMS account refused ({0})")]
    Misconfigured(String),
    /// The number or the text is rejected.
    #[error("SMS refused ({0})")]
    Refused(String),
    /// No answer, or an unreadable one.
    #[error("SMS service unavailable: {0}")]
    Unavailable(String),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SendSms<'a> {
    phone_number_set: [&'a str; 1],
    sms_sdk_app_id: &'a str,
    sign_name: &'a str,
    template_id: &'a str,
    template_param_set: &'a [&'a str],
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SmsResponse {
    response: Response,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    error: Option<SmsStatus>,
    #[serde(default)]
    send_status_set: Vec<SmsStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SmsStatus {
    code: String,
}

impl Sms {
    /// A client of the API at `base_url`, which has no trailing slash.
    pub fn new(http: Http, base_url: String) -> Self {
        Self { http, base_url }
    }

    /// Sends the account's template with these values to one number, once: an unclear failure is
    /// not repeated, so that nobody gets two messages.
    ///
    /// # Errors
    /// [`SmsError`].
    pub async fn send(
        &self,
        account: &SmsAccount,
        to: &Mobile,
        values: &[&str],
        now: Timestamp,
    ) -> Result<(), SmsError> {
        let body = body(account, to, values)?;
        let host = self.base_url.split_once("://").map_or(self.base_url.as_str(), |(_, host)| host);
        let authorization = authorization(account, host, &body, now);
        let request = VendorRequest::post(&format!("{}/", self.base_url), &[], body)
            .header("content-type", CONTENT_TYPE)
            .header("x-tc-action", "SendSms")
            .header("x-tc-version", "2021-01-11")
            .header("x-tc-region", account.region.as_str())
            .header("x-tc-timestamp", now.seconds().to_string())
            .header("authorization", authorization);
        let answer = self.http.send(request).await.map_err(|NoAnswer(why)| SmsError::Unavailable(why))?;
        let answer: SmsResponse =
            serde_json::from_slice(&answer).map_err(|_| SmsError::Unavailable("unreadable answer".to_owned()))?;
        check(answer.response)
    }
}

fn body(account: &SmsAccount, to: &Mobile, values: &[&str]) -> Result<String, SmsError> {
    let message = SendSms {
        phone_number_set: [to.reveal()],
        sms_sdk_app_id: &account.sdk_app_id,
        sign_name: &account.sign_name,
        template_id: &account.template_id,
        template_param_set: values,
    };
    serde_json::to_string(&message).map_err(|error| SmsError::Unavailable(error.to_string()))
}

fn authorization(account: &SmsAccount, host: &str, body: &str, now: Timestamp) -> String {
    // The day of the scope is in UTC, not in Asia/Shanghai.
    let day = Day::from_number(i32::try_from(now.millis().div_euclid(DAY_MS)).unwrap_or(i32::MAX)).to_string();
    let canonical =
        format!("POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{host}\n\n{SIGNED_HEADERS}\n{}", sha256(body));
    let scope = format!("{day}/sms/tc3_request");
    let to_sign = format!("{ALGORITHM}\n{}\n{scope}\n{}", now.seconds(), sha256(&canonical));
    let secret = hmac_sha256(format!("TC3{}", account.secret_key).as_bytes(), &day);
    let key = hmac_sha256(hmac_sha256(secret.as_ref(), "sms").as_ref(), "tc3_request");
    let signature = HEXLOWER.encode(hmac_sha256(key.as_ref(), &to_sign).as_ref());
    let id = &account.secret_id;
    format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={SIGNED_HEADERS}, Signature={signature}")
}

fn sha256(text: &str) -> String {
    HEXLOWER.encode(digest(&SHA256, text.as_bytes()).as_ref())
}

fn hmac_sha256(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

/// The whole request may be rejected, and each number by itself.
fn check(response: Response) -> Result<(), SmsError> {
    if let Some(SmsStatus { code }) = response.error {
        return Err(sms_error(code));
    }
    match response.send_status_set.into_iter().next() {
        Some(SmsStatus { code }) if code == "Ok" => Ok(()),
        Some(SmsStatus { code }) => Err(sms_error(code)),
        None => Err(SmsError::Unavailable("no status of the number".to_owned())),
    }
}

fn sms_error(code: String) -> SmsError {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| code.starts_with(prefix));
    if begins(&["LimitExceeded", "RequestLimitExceeded"]) {
        SmsError::Limited(code)
    } else if begins(&["AuthFailure", "UnauthorizedOperation", "FailedOperation.InsufficientBalance"])
        || begins(&["FailedOperation.Template", "FailedOperation.Signature", "FailedOperation.MissingTemplate"])
        || begins(&["InvalidParameterValue.SdkAppId", "UnsupportedRegion"])
    {
        SmsError::Misconfigured(code)
    } else if begins(&["InternalError", "RequestTimeout"]) {
        SmsError::Unavailable(code)
    } else {
        SmsError::Refused(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::tests::server;

    const OK: &str = r#"{"Response":{"SendStatusSet":[{"SerialNo":"1","PhoneNumber":"+8613800138000","Fee":1,"Code":"Ok","Message":"send success"}],"RequestId":"r"}}"#;

    const LIMITED: &[&str] = &[
        r#"{"Response":{"SendStatusSet":[{"Code":"LimitExceeded.PhoneNumberDailyLimit","Message":"+8613800138000"}]}}"#,
    ];

    fn account() -> SmsAccount {
        SmsAccount {
            secret_id: "AKIDEXAMPLE0000000000000000000000000".to_owned(),
            secret_key: "exampleSecretKey00000000000000000".to_owned(),
            sdk_app_id: "1400000000".to_owned(),
            sign_name: "名片".to_owned(),
            template_id: "1000001".to_owned(),
            region: "ap-guangzhou".to_owned(),
        }
    }

    fn noon() -> Timestamp {
        Timestamp::parse("2026-11-21T12:00:00+08:00").unwrap()
    }

    fn mobile() -> Mobile {
        Mobile::parse("13800138000").unwrap()
    }

    /// Computed by another program (Python's hmac and hashlib) from the vendor's recipe.
    #[test]
    fn the_signature_is_the_one_that_another_program_computes() {
        let body = body(&account(), &mobile(), &["000007", "10"]).unwrap();
        let expected = "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE0000000000000000000000000/2026-11-21/sms/tc3_request, \
             SignedHeaders=content-type;host, \
             Signature=ff59bfeef810bae314205d5097a3dd4cda2493c02039fb28f1886896c5398c4c";
        assert_eq!(authorization(&account(), "sms.tencentcloudapi.com", &body, noon()), expected);
    }

    #[test]
    fn the_scope_is_the_day_of_utc() {
        let morning = Timestamp::parse("2026-11-21T07:59:59+08:00").unwrap();
        assert!(authorization(&account(), "h", "{}", morning).contains("/2026-11-20/sms/tc3_request"));
    }

    async fn send(answer: &'static [&'static str]) -> (Result<(), SmsError>, String) {
        let (base_url, asked) = server(answer);
        let sent = Sms::new(Http::new(), base_url).send(&account(), &mobile(), &["000007", "10"], noon()).await;
        (sent, asked.recv().unwrap())
    }

    #[tokio::test]
    async fn an_accepted_number_is_sent_and_all_headers_are_there() {
        let (sent, asked) = send(&[OK]).await;
        assert_eq!(sent, Ok(()));
        for part in
            ["x-tc-action: SendSms", "x-tc-region: ap-guangzhou", "x-tc-timestamp: 1795233600", "\"000007\",\"10\""]
        {
            assert!(asked.contains(part), "{asked}");
        }
        assert!(!asked.contains("exampleSecretKey"));
    }

    #[tokio::test]
    async fn a_refused_number_behind_http_200_is_an_error_without_the_number() {
        let code = "LimitExceeded.PhoneNumberDailyLimit".to_owned();
        assert_eq!(send(LIMITED).await.0, Err(SmsError::Limited(code)));
        let refused = |answer: &str| {
            let answer: SmsResponse = serde_json::from_str(answer).unwrap();
            check(answer.response).unwrap_err()
        };
        let signature = r#"{"Response":{"Error":{"Code":"AuthFailure.SignatureFailure","Message":"m"}}}"#;
        assert!(matches!(refused(signature), SmsError::Misconfigured(_)));
        let number = r#"{"Response":{"SendStatusSet":[{"Code":"InvalidParameterValue.IncorrectPhoneNumber"}]}}"#;
        assert!(matches!(refused(number), SmsError::Refused(_)));
        assert!(matches!(refused(r#"{"Response":{}}"#), SmsError::Unavailable(_)));
    }
}
