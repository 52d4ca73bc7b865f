//! One HTTP request to a vendor, through the SDK's connector: a client of its own would bring a
//! second HTTP stack into the binary (ADR 0012).

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use tokio::time::timeout;

const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_000);
const TIMEOUT: Duration = Duration::from_millis(4_000);

/// The connections to the vendors. Clones share them. The connector is made at the first request:
/// no start waits for it.
#[derive(Debug, Clone, Default)]
pub struct Http(Arc<OnceLock<Connector>>);

/// The reason why there is no good answer, without URL.
#[derive(Debug)]
pub(crate) struct NoAnswer(pub(crate) String);

impl Http {
    /// No connection yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends once and returns the body of a 2xx answer.
    pub(crate) async fn send(&self, request: VendorRequest) -> Result<Vec<u8>, NoAnswer> {
        let answer = async {
            let answer =
                self.0.get_or_init(connector).call(request.0?).await.map_err(|error| NoAnswer(error.to_string()))?;
            if !answer.status().is_success() {
                return Err(NoAnswer(format!("HTTP {}", answer.status().as_u16())));
            }
            let body = ByteStream::new(answer.into_body()).collect().await;
            body.map(|body| body.to_vec()).map_err(|_| NoAnswer("the answer broke off".to_owned()))
        };
        timeout(TIMEOUT, answer).await.unwrap_or_else(|_| Err(NoAnswer("timeout".to_owned())))
    }
}

/// Reads the machine's root certificates, unless the SDK has read them.
fn connector() -> Connector {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
    let tls = Provider::rustls(CryptoMode::AwsLc);
    Connector::builder().connector_settings(settings).tls_provider(tls).build()
}

/// A request, or the error of making it.
pub(crate) struct VendorRequest(Result<HttpRequest, NoAnswer>);

impl VendorRequest {
    /// A GET of `url` with these query parameters.
    pub(crate) fn get(url: &str, query: &[(&str, &str)]) -> Self {
        Self::new("GET", url, query, SdkBody::empty())
    }

    /// A POST of a JSON body to `url` with these query parameters.
    pub(crate) fn post(url: &str, query: &[(&str, &str)], json: String) -> Self {
        Self::new("POST", url, query, SdkBody::from(json)).header("content-type", "application/json")
    }

    fn new(method: &str, url: &str, query: &[(&str, &str)], body: SdkBody) -> Self {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let url = if query.is_empty() { url.to_owned() } else { format!("{url}?{query}") };
        let mut request = HttpRequest::new(body);
        let whole = request.set_uri(url).and_then(|()| request.set_method(method));
        // The error repeats the URL.
        Self(whole.map(|()| request).map_err(|_| NoAnswer("the base URL is wrong".to_owned())))
    }

    /// The same with a header, in place of one of this name.
    pub(crate) fn header(self, name: &'static str, value: impl Into<String>) -> Self {
        let set = |mut request: HttpRequest| {
            let set = request.headers_mut().try_insert(name, value.into());
            set.map(|_| ()).map(|()| request).map_err(|_| NoAnswer(format!("the header {name} is wrong")))
        };
        Self(self.0.and_then(set))
    }
}
