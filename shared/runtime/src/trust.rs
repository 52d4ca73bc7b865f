//! The certificates that connections to AWS trust (ADR 0018).
//!
//! AWS's endpoints chain to five roots of Amazon, which are part of the binary. The machine's
//! roots, about 140, are read only when they are needed: parsing them takes six times as long as
//! everything else before the first call.

use std::error::Error;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::retry::ErrorKind;
use rustls::CertificateError;

/// Amazon Root CA 1 to 4 and the older root that signs them too, as Mozilla and Debian ship them.
const AMAZON: &str = include_str!("roots/amazon.pem");
/// Regions whose endpoints may chain to other roots: those of China are not published.
const ELSEWHERE: &str = "cn-";

/// Connections that trust Amazon's roots. If a server's certificate chains to none of them, the
/// call is repeated with the machine's roots, and so is every later one.
#[derive(Debug)]
pub(crate) struct Trusting {
    own: Option<Connector>,
    machine: Arc<OnceLock<Connector>>,
    connector: fn(TrustStore) -> Connector,
    fallback: fn() -> TrustStore,
}

impl Trusting {
    /// Connections to the endpoints of a region.
    pub(crate) fn to(region: &str, connector: fn(TrustStore) -> Connector) -> Self {
        let own = (!region.starts_with(ELSEWHERE)).then(|| connector(only(AMAZON)));
        Self { own, machine: Arc::default(), connector, fallback: TrustStore::default }
    }
}

impl HttpConnector for Trusting {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let own = self.own.as_ref().filter(|_| self.machine.get().is_none());
        let Some(own) = own else {
            return self.machine.get_or_init(|| (self.connector)((self.fallback)())).call(request);
        };
        let answer = own.call(request);
        let (machine, connector, fallback) = (Arc::clone(&self.machine), self.connector, self.fallback);
        HttpConnectorFuture::new(async move {
            answer.await.map_err(|error| {
                if !is_unknown(&error) {
                    return error;
                }
                tracing::warn!("a server's root is not one of Amazon's: the machine's roots are used from now on");
                machine.get_or_init(|| connector(fallback()));
                // Nothing was sent: the client repeats the call, as after any broken connection.
                ConnectorError::other(error.into_source(), Some(ErrorKind::TransientError)).never_connected()
            })
        })
    }
}

/// A connector with these roots.
pub(crate) fn connector(roots: TrustStore, connect_timeout: Duration) -> Connector {
    let settings = HttpConnectorSettings::builder().connect_timeout(connect_timeout).build();
    let builder = Connector::builder().connector_settings(settings).tls_provider(Provider::rustls(CryptoMode::AwsLc));
    match TlsContext::builder().with_trust_store(roots).build() {
        Ok(context) => builder.tls_context(context).build(),
        // It rejects only options of the SDK's other TLS library.
        Err(_) => builder.build(),
    }
}

/// The roots of a PEM text, and no others.
fn only(pem: &str) -> TrustStore {
    TrustStore::empty().with_pem_certificate(pem)
}

/// Whether no trusted root vouches for the server.
fn is_unknown(error: &ConnectorError) -> bool {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(reason)) = error.downcast_ref() {
            return *reason == CertificateError::UnknownIssuer;
        }
        // The inner error of an I/O error is not its source: that is the source of the inner error.
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = held.map(|held| held as &(dyn Error + 'static)).or_else(|| error.source());
    }
    false
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;
