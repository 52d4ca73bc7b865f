//! One JSON request to the vendor, and the meaning of its error codes.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::{Http, NoAnswer, VendorRequest};

/// The secret of a mini-program. Has no `Debug`, so that it does not get into a log.
#[derive(Clone)]
pub struct AppSecret(String);

impl AppSecret {
    /// Wraps the secret.
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

/// The vendor's API at a base URL.
#[derive(Debug, Clone)]
pub struct WeChat {
    http: Http,
    base_url: String,
}

/// A rejected or failed request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeChatError {
    /// The code is unknown, used or expired.
    #[error("code refused ({0})")]
    CodeInvalid(i64),
    /// The person is blocked as a risk.
    #[error("person blocked")]
    Blocked,
    /// Too many requests.
    #[error("too many requests ({0})")]
    TooMany(i64),
    /// The app id or its secret is wrong.
    #[error("app id or secret refused ({0})")]
    Misconfigured(i64),
    /// The access token is no longer valid.
    #[error("access token refused ({0})")]
    TokenRefused(i64),
    /// The vendor is busy.
    #[error("busy")]
    Busy,
    /// Anything else, without URL.
    #[error("unavailable: {0}")]
    Unavailable(String),
}

/// The part that every answer has: the error code.
#[derive(Deserialize)]
struct VendorStatus {
    #[serde(default)]
    errcode: i64,
    #[serde(default)]
    errmsg: String,
}

impl WeChat {
    /// A client of the API at `base_url`, which has no trailing slash.
    pub fn new(http: Http, base_url: String) -> Self {
        Self { http, base_url }
    }

    pub(crate) fn get(&self, path: &str, query: &[(&str, &str)]) -> VendorRequest {
        VendorRequest::get(&format!("{}{path}", self.base_url), query)
    }

    pub(crate) fn post(&self, path: &str, query: &[(&str, &str)], body: &Value) -> VendorRequest {
        VendorRequest::post(&format!("{}{path}", self.base_url), query, body.to_string())
    }

    /// Sends once: a login code is single use, so an unclear failure is not repeated.
    pub(crate) async fn send<T: DeserializeOwned>(&self, request: VendorRequest) -> Result<T, WeChatError> {
        let body = self.http.send(request).await.map_err(|NoAnswer(why)| WeChatError::Unavailable(why))?;
        let status: VendorStatus = serde_json::from_slice(&body).map_err(|_| unreadable())?;
        check(&status)?;
        serde_json::from_slice(&body).map_err(|_| unreadable())
    }
}

fn unreadable() -> WeChatError {
    WeChatError::Unavailable("unreadable answer".to_owned())
}

/// The vendor's codes: -1 busy; 40029 and 40163 code unknown, expired or used; 45009
/// and 45011 quota; 40226 risk; 40013 and 40125 app id or secret; 40001, 40014 and 42001
/// access token.
fn check(status: &VendorStatus) -> Result<(), WeChatError> {
    match status.errcode {
        0 => Ok(()),
        -1 => Err(WeChatError::Busy),
        code @ (40029 | 40163) => Err(WeChatError::CodeInvalid(code)),
        code @ (45009 | 45011) => Err(WeChatError::TooMany(code)),
        40226 => Err(WeChatError::Blocked),
        code @ (40013 | 40125) => Err(WeChatError::Misconfigured(code)),
        code @ (40001 | 40014 | 42001) => Err(WeChatError::TokenRefused(code)),
        code => Err(WeChatError::Unavailable(format!("errcode {code}: {}", status.errmsg))),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// A vendor that sends these answers, one per connection, and returns the requests it got.
    pub(crate) fn vendor(answers: &'static [&'static str]) -> (WeChat, Receiver<String>) {
        let (base_url, questions) = server(answers);
        (WeChat::new(Http::new(), base_url), questions)
    }

    /// The same, as a base URL.
    pub(crate) fn server(answers: &'static [&'static str]) -> (String, Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let (asked, questions) = channel();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                while !complete(&request) {
                    let mut chunk = [0; 4_096];
                    let read = stream.read(&mut chunk).unwrap();
                    request.extend_from_slice(&chunk[..read]);
                }
                asked.send(String::from_utf8(request).unwrap()).unwrap();
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    answer.len()
                );
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        (base_url, questions)
    }

    fn complete(request: &[u8]) -> bool {
        let text = String::from_utf8_lossy(request).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        body.len() >= length.unwrap_or(0)
    }

    #[test]
    fn an_error_code_behind_http_200_is_an_error() {
        let status = |errcode| check(&VendorStatus { errcode, errmsg: String::new() });
        assert_eq!(status(0), Ok(()));
        assert_eq!(status(-1), Err(WeChatError::Busy));
        assert_eq!(status(40163), Err(WeChatError::CodeInvalid(40163)));
        assert_eq!(status(45011), Err(WeChatError::TooMany(45011)));
        assert_eq!(status(40125), Err(WeChatError::Misconfigured(40125)));
        assert_eq!(status(42001), Err(WeChatError::TokenRefused(42001)));
        assert!(matches!(status(12345), Err(WeChatError::Unavailable(_))));
    }

    #[tokio::test]
    async fn a_failure_does_not_tell_the_url() {
        let unreachable = WeChat::new(Http::new(), "http://127.0.0.1:1".to_owned());
        let request = unreachable.get("/sns/jscode2session", &[("secret", "s3cret")]);
        let error = unreachable.send::<VendorStatus>(request).await.err().unwrap();
        assert!(!format!("{error:?} {error}").contains("s3cret"));
    }
}
