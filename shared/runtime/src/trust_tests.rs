use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};
use data_encoding::HEXLOWER;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::*;

/// Made for these tests, valid until 2126: a root, and a certificate of `localhost` that it signed.
const TEST_ROOT: &str = include_str!("roots/tests/root.pem");
const SERVER: &[u8] = include_bytes!("roots/tests/server.der");
const SERVER_KEY: &[u8] = include_bytes!("roots/tests/server.key.der");

/// SHA-256 of each certificate, as Mozilla's list and Amazon publish it.
const PUBLISHED: [&str; 5] = [
    "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
    "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
    "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
    "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
    "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
];

fn roots() -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(AMAZON.as_bytes()).map(Result::unwrap).collect()
}

#[test]
fn the_roots_are_those_that_amazon_publishes() {
    let fingerprints = roots().iter().map(|root| HEXLOWER.encode(digest(&SHA256, root).as_ref())).collect::<Vec<_>>();
    assert_eq!(fingerprints, PUBLISHED);
    let mut store = RootCertStore::empty();
    roots().into_iter().for_each(|root| store.add(root).unwrap());
}

/// The year in which a certificate ends. Its validity is two times in a row; the first is
/// `YYMMDDhhmmssZ`, as until 2049, the second `YYYYMMDDhhmmssZ` after that.
fn last_year(certificate: &[u8]) -> u64 {
    let is_pair = |at: &[u8]| at[..2] == [0x17, 13] && at[14] == b'Z' && matches!(at[15..17], [0x17, 13] | [0x18, 15]);
    let pair = certificate.windows(21).find(|at| is_pair(at)).unwrap();
    let year = |digits: &[u8]| std::str::from_utf8(digits).unwrap().parse::<u64>().unwrap();
    if pair[15] == 0x17 { 2_000 + year(&pair[17..19]) } else { year(&pair[17..21]) }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whether they have expired is a question to the machine's clock")]
fn no_root_expires_within_two_years() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let year = 1_970 + now.as_secs() / 31_556_952;
    let ends: Vec<_> = roots().iter().map(|root| last_year(root)).collect();
    assert_eq!(ends, [2038, 2040, 2040, 2040, 2037]);
    assert!(ends.iter().all(|end| end - year > 2), "a root ends soon: take the new ones");
}

/// A TLS server with the test root's certificate that answers `{}`; it reports for each handshake
/// whether the client accepted it.
fn server() -> (String, Receiver<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(SERVER_KEY));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![CertificateDer::from(SERVER)], key).unwrap();
    let config = Arc::new(config);
    let (sender, handshakes) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = StreamOwned::new(connection, stream.unwrap());
            let accepted = tls.read(&mut [0; 8_192]).is_ok_and(|read| read > 0);
            if accepted {
                let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
                tls.write_all(answer.as_bytes()).unwrap();
            }
            let _ = sender.send(accepted);
        }
    });
    (url, handshakes)
}

fn client(url: String, fallback: fn() -> TrustStore) -> aws_sdk_dynamodb::Client {
    let timed = |roots| connector(roots, Duration::from_secs(5));
    let connector = SharedHttpConnector::new(Trusting { fallback, ..Trusting::to("us-east-1", timed) });
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .endpoint_url(url);
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

#[tokio::test]
async fn a_server_under_another_root_is_reached_with_the_machines_roots() {
    let (url, handshakes) = server();
    let client = client(url, || only(TEST_ROOT));
    for _ in 0..2 {
        client.list_tables().send().await.unwrap();
    }
    let seen: Vec<_> = (0..3).map(|_| handshakes.recv().unwrap()).collect();
    assert_eq!(seen, [false, true, true], "refused once, then trusted for good");
}

#[tokio::test]
async fn a_server_that_no_root_vouches_for_is_refused_for_good() {
    let (url, handshakes) = server();
    let client = client(url, || only(AMAZON));
    assert!(client.list_tables().send().await.is_err());
    assert!(handshakes.try_iter().all(|accepted| !accepted));
}

#[test]
fn in_china_the_machines_roots_are_asked_at_once() {
    let timed = |roots| connector(roots, Duration::from_secs(5));
    assert!(Trusting::to("cn-north-1", timed).own.is_none());
    assert!(Trusting::to("ap-east-1", timed).own.is_some());
}

#[test]
fn a_broken_connection_is_no_unknown_root() {
    let held = |error| ConnectorError::io(Box::new(io::Error::other(error)));
    let refused = |reason| io::Error::other(rustls::Error::InvalidCertificate(reason));
    assert!(is_unknown(&held(refused(CertificateError::UnknownIssuer))));
    assert!(!is_unknown(&held(refused(CertificateError::Expired))));
    assert!(!is_unknown(&held(io::Error::from(io::ErrorKind::ConnectionReset))));
}
