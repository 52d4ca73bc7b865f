//! A loopback server that answers like WeChat's login and phone grant, like the SMS service and
//! like Secrets Manager: a code is its own openid, or `openid--unionid`; every SMS is sent. Every
//! secret exists except `absent`; a secret whose name begins with `late` is absent at the first
//! request, one that begins with `once` at all but the first.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, OnceLock, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use serde_json::json;

/// The operator key of all tests.
pub const OPERATOR_KEY: &str = "operator-key-of-tests";

/// The secrets of special names that were requested.
static ASKED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The answer of Secrets Manager for an absent secret.
const ABSENT: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.1\r\nconnection: close\r\n\
    x-amzn-errortype: ResourceNotFoundException\r\ncontent-length: 2\r\n\r\n{}";

/// Starts the server for the rest of the process, once; returns its base URL.
pub fn start() -> String {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(listen).clone()
}

fn listen() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(|| answer(stream));
        }
    });
    format!("http://{address}")
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !complete(&request) {
        let mut chunk = [0; 4_096];
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&chunk[..read]);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    if secret_id(&request).is_some_and(is_absent) {
        return stream.write_all(ABSENT.as_bytes());
    }
    let body = match other(&request) {
        Some(body) => body,
        None => login(&request),
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

fn secret_id(request: &str) -> Option<&str> {
    request.split(r#""SecretId":""#).nth(1)?.split('"').next()
}

fn is_absent(name: &str) -> bool {
    let first = || ASKED.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
    name == "absent" || name.starts_with("late") && first() || name.starts_with("once") && !first()
}

/// Whether head and body have arrived.
fn complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// The SMS service and its account in Secrets Manager; access tokens; phone grants, whose code is
/// the number.
fn other(request: &str) -> Option<String> {
    if request.contains("/cgi-bin/stable_token ") {
        return Some(r#"{"access_token":"t","expires_in":7200}"#.to_owned());
    }
    if request.contains("/wxa/business/getuserphonenumber?") {
        let code = request.split(r#""code":""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        return Some(match code {
            "used" => r#"{"errcode":40029,"errmsg":"invalid code, rid: 1"}"#.to_owned(),
            number => format!(
                r#"{{"phone_info":{{"purePhoneNumber":"{number}","countryCode":"86","watermark":{{"appid":"wx00000000000001"}}}}}}"#
            ),
        });
    }
    if request.contains("x-tc-action: SendSms") {
        return Some(r#"{"Response":{"SendStatusSet":[{"Code":"Ok"}]}}"#.to_owned());
    }
    let secret = match secret_id(request)? {
        "sms" => json!({
            "secret_id": "i", "secret_key": "k", "sdk_app_id": "1", "sign_name": "s", "template_id": "t", "region": "r",
        }),
        name if name == "organization" || name.starts_with("late") || name.starts_with("once") => own_keys(),
        _ => return None,
    };
    Some(json!({ "SecretString": secret.to_string() }).to_string())
}

/// The pair that the organization function signs tokens with, in every test of the process.
fn signing_pair() -> &'static Ed25519KeyPair {
    static PAIR: OnceLock<Ed25519KeyPair> = OnceLock::new();
    PAIR.get_or_init(|| Ed25519KeyPair::generate().expect("a key pair"))
}

/// The public half of the key in the organization's secret.
pub fn public_key() -> serde_json::Value {
    let x = BASE64URL_NOPAD.encode(signing_pair().public_key().as_ref());
    json!({"kty": "OKP", "crv": "Ed25519", "kid": "organization", "x": x})
}

/// The secret of the organization function; every world accepts its tokens.
fn own_keys() -> serde_json::Value {
    let pair = signing_pair();
    let pkcs8 = pair.to_pkcs8().expect("a PKCS8 document");
    json!({
        "signing_key": {"kid": "organization", "pkcs8": BASE64.encode(pkcs8.as_ref())},
        "operator_key_sha256": [HEXLOWER.encode(digest(&SHA256, OPERATOR_KEY.as_bytes()).as_ref())],
        "claim_pepper": BASE64.encode(&[7; 32]),
    })
}

fn login(request: &str) -> String {
    match request.split("js_code=").nth(1).and_then(|rest| rest.split(['&', ' ']).next()) {
        Some("used") => r#"{"errcode":40163,"errmsg":"code been used, rid: 1"}"#.to_owned(),
        Some("busy") => r#"{"errcode":-1,"errmsg":"system error"}"#.to_owned(),
        Some(code) => match code.split_once("--") {
            Some((openid, unionid)) => format!(r#"{{"openid":"{openid}","unionid":"{unionid}","session_key":"k"}}"#),
            None => format!(r#"{{"openid":"{code}","session_key":"k"}}"#),
        },
        None => r#"{"SecretString":"app-secret"}"#.to_owned(),
    }
}
