//! Addresses and forms by which a client reads and sends one file of a bucket, without a call to
//! AWS: signed here (Signature Version 4) with the function's own credentials. The SDK cannot sign
//! forms, and would have to be linked for signed addresses alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_sdk_dynamodb::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use aws_types::SdkConfig;
use data_encoding::{BASE64, HEXLOWER};
use domain::kernel::failure::Failure;
use domain::kernel::timestamp::{SECOND_MS, Timestamp};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]");
const TIME: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");
const EXPIRATION: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].000Z");

/// A bucket as clients reach it, and the credentials of the function's role.
#[derive(Debug, Clone)]
pub struct SignedBucket {
    credentials: SharedCredentialsProvider,
    region: String,
    name: String,
    url: String,
}

impl SignedBucket {
    /// The bucket of this name. `url` is its address, without a slash at the end.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] without region or credentials.
    pub fn new(sdk: &SdkConfig, name: String, url: String) -> Result<Self, Failure> {
        let missing = |what: &str| Failure::Unavailable(format!("no {what}"));
        let region = sdk.region().ok_or_else(|| missing("region"))?.to_string();
        let credentials = sdk.credentials_provider().ok_or_else(|| missing("credentials"))?;
        Ok(Self { credentials, region, name, url })
    }

    /// The signer of this moment. Its signatures expire with the role's session at the latest.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] if there are no credentials.
    pub async fn signer(&self, now: Timestamp) -> Result<Signer<'_>, Failure> {
        let unavailable = |error: &dyn std::fmt::Display| Failure::Unavailable(format!("credentials: {error}"));
        let credentials = self.credentials.provide_credentials().await.map_err(|error| unavailable(&error))?;
        let date = text_of(now, DATE).ok_or_else(|| unavailable(&"date"))?;
        let time = text_of(now, TIME).ok_or_else(|| unavailable(&"time"))?;
        Ok(Signer::new(self, &credentials, &date, time))
    }
}

/// Signs for one bucket at one moment.
pub struct Signer<'a> {
    bucket: &'a SignedBucket,
    key: hmac::Key,
    /// The credentials, and the day, region and service of the signature.
    credential: String,
    scope: String,
    time: String,
    token: Option<String>,
}

/// A form that sends one file: all fields first, and then the field `file`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostForm {
    /// The address, for `multipart/form-data`.
    pub url: String,
    /// Its fields.
    pub fields: BTreeMap<&'static str, String>,
}

/// The one file that a form may send.
#[derive(Debug, Clone, Copy)]
pub struct PostedFile<'a> {
    /// The key under which it is stored.
    pub key: &'a str,
    /// Its content type.
    pub content_type: &'a str,
    /// The largest size, in bytes.
    pub bytes_max: u64,
    /// When the form expires.
    pub until: Timestamp,
}

impl<'a> Signer<'a> {
    fn new(bucket: &'a SignedBucket, credentials: &Credentials, date: &str, time: String) -> Self {
        let scope = format!("{date}/{}/s3/aws4_request", bucket.region);
        let secret = format!("AWS4{}", credentials.secret_access_key());
        let key = scope.split('/').fold(hmac_key(secret.as_bytes()), |key, part| {
            let derived = hmac::sign(&key, part.as_bytes());
            hmac_key(derived.as_ref())
        });
        let credential = format!("{}/{scope}", credentials.access_key_id());
        Self { bucket, key, credential, scope, time, token: credentials.session_token().map(str::to_owned) }
    }

    /// An address that reads a file for `valid_ms` from now on.
    pub fn get(&self, key: &str, valid_ms: i64) -> String {
        let expires = (valid_ms / SECOND_MS).to_string();
        // In the order of their names, as the signature requires.
        let mut query = vec![
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", &self.credential),
            ("X-Amz-Date", &self.time),
            ("X-Amz-Expires", &expires),
        ];
        query.extend(self.token.as_deref().map(|token| ("X-Amz-Security-Token", token)));
        query.push(("X-Amz-SignedHeaders", "host"));
        let query: Vec<_> = query.into_iter().map(|(name, value)| format!("{name}={}", encoded(value, ""))).collect();
        let query = query.join("&");
        let url = format!("{}/{}", self.bucket.url, encoded(key, "/"));
        let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let request = format!("GET\n/{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
        let hashed = HEXLOWER.encode(digest(&SHA256, request.as_bytes()).as_ref());
        let signature = self.sign(&format!("{ALGORITHM}\n{}\n{}\n{hashed}", self.time, self.scope));
        format!("{url}?{query}&X-Amz-Signature={signature}")
    }

    /// A form that sends one file. S3 rejects another key, another type and a larger file before it
    /// stores anything.
    pub fn post(&self, file: PostedFile<'_>) -> PostForm {
        let mut fields = BTreeMap::from([
            ("key", file.key.to_owned()),
            ("Content-Type", file.content_type.to_owned()),
            ("x-amz-algorithm", ALGORITHM.to_owned()),
            ("x-amz-credential", self.credential.clone()),
            ("x-amz-date", self.time.clone()),
        ]);
        fields.extend(self.token.clone().map(|token| ("x-amz-security-token", token)));
        let mut conditions =
            vec![json!({"bucket": self.bucket.name}), json!(["content-length-range", 1, file.bytes_max])];
        conditions.extend(fields.iter().map(|(name, value)| json!({*name: value})));
        let expiration = text_of(file.until, EXPIRATION).unwrap_or_default();
        let policy = json!({"expiration": expiration, "conditions": conditions}).to_string();
        let policy = BASE64.encode(policy.as_bytes());
        fields.insert("x-amz-signature", self.sign(&policy));
        fields.insert("policy", policy);
        PostForm { url: format!("{}/", self.bucket.url), fields }
    }

    fn sign(&self, text: &str) -> String {
        HEXLOWER.encode(hmac::sign(&self.key, text.as_bytes()).as_ref())
    }
}

fn hmac_key(bytes: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, bytes)
}

/// A time in UTC; `None` if it cannot be written, which is impossible for a [`Timestamp`].
fn text_of(at: Timestamp, format: &[BorrowedFormatItem<'_>]) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(at.seconds()).ok()?.format(format).ok()
}

/// Percent-encoded by RFC 3986, except the characters in `kept`.
fn encoded(text: &str, kept: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "-._~".contains(c) || kept.contains(c) {
            encoded.push(c);
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
    use serde_json::Value;

    use super::*;

    /// The credentials of Amazon's published examples.
    fn bucket(name: &str, url: &str, token: Option<&str>) -> SignedBucket {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", secret, token.map(str::to_owned), None, "test");
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        SignedBucket::new(&sdk, name.to_owned(), url.to_owned()).unwrap()
    }

    async fn signer<'a>(bucket: &'a SignedBucket, date: &str) -> Signer<'a> {
        let credentials = bucket.credentials.provide_credentials().await.unwrap();
        Signer::new(bucket, &credentials, date, format!("{date}T000000Z"))
    }

    #[tokio::test]
    async fn the_published_address_has_the_published_signature() {
        let bucket = bucket("examplebucket", "https://examplebucket.s3.amazonaws.com", None);
        let address = signer(&bucket, "20130524").await.get("test.txt", 86_400_000);
        assert_eq!(
            address,
            "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
             &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
    }

    #[tokio::test]
    async fn the_published_policy_has_the_published_signature() {
        // Line breaks as on Amazon's page; the signed text is its base64.
        let policy = [
            r#"{ "expiration": "2015-12-30T12:00:00.000Z","#,
            r#"  "conditions": ["#,
            r#"    {"bucket": "sigv4examplebucket"},"#,
            r#"    ["starts-with", "$key", "user/user1/"],"#,
            r#"    {"acl": "public-read"},"#,
            r#"    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},"#,
            r#"    ["starts-with", "$Content-Type", "image/"],"#,
            r#"    {"x-amz-meta-uuid": "14365123651274"},"#,
            r#"    {"x-amz-server-side-encryption": "AES256"},"#,
            r#"    ["starts-with", "$x-amz-meta-tag", ""],"#,
            "",
            r#"    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},"#,
            r#"    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},"#,
            r#"    {"x-amz-date": "20151229T000000Z" }"#,
            "  ]",
            "}",
        ];
        let bucket = bucket("sigv4examplebucket", "https://sigv4examplebucket.s3.amazonaws.com", None);
        let signature = signer(&bucket, "20151229").await.sign(&BASE64.encode(policy.join("\r\n").as_bytes()));
        assert_eq!(signature, "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e");
    }

    #[tokio::test]
    async fn every_field_of_a_form_is_bound_by_its_policy() {
        let (bucket, now) = (bucket("b", "https://b.example", Some("t+/=")), Timestamp::from_millis(1_795_233_600_000));
        let (signer, until) = (bucket.signer(now).await.unwrap(), now.plus_millis(600_000));
        let form = signer.post(PostedFile { key: "q/1", content_type: "image/png", bytes_max: 7, until });
        let policy: Value = serde_json::from_slice(&BASE64.decode(form.fields["policy"].as_bytes()).unwrap()).unwrap();
        assert_eq!(policy["expiration"], "2026-11-21T04:10:00.000Z");
        let conditions = policy["conditions"].as_array().unwrap();
        assert!(conditions.contains(&json!({"bucket": "b"})));
        assert!(conditions.contains(&json!(["content-length-range", 1, 7])));
        for (name, value) in form.fields.iter().filter(|(name, _)| !["policy", "x-amz-signature"].contains(name)) {
            assert!(conditions.contains(&json!({*name: value})), "{name}");
        }
        assert_eq!(form.fields["x-amz-security-token"], "t+/=");
        assert_eq!(form.url, "https://b.example/");
        assert!(signer.get("m/1", 60_000).contains("&X-Amz-Security-Token=t%2B%2F%3D&X-Amz-SignedHeaders=host&"));
    }

    #[test]
    fn only_what_rfc_3986_leaves_bare_is_left_bare() {
        assert_eq!(encoded("aZ0-._~/ +中", "/"), "aZ0-._~/%20%2B%E4%B8%AD");
        assert_eq!(encoded("a/b", ""), "a%2Fb");
    }
}
