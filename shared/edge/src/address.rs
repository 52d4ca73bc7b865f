//! The address of the client, directly or behind CloudFront.

use std::net::Ipv4Addr;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Router;
use axum::extract::Extension;
use domain::kernel::address::ClientAddress;
use http::request::Parts;
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;

/// The header by which CloudFront shows that a request came through it.
const EDGE_SECRET: &str = "x-edge-secret";
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The secret that CloudFront adds to requests. Without it no header is believed.
#[derive(Clone)]
struct EdgeSecret(Arc<str>);

/// The router behind a CloudFront that adds this secret to requests; `None` if there is none.
pub fn behind_edge(router: Router, secret: Option<String>) -> Router {
    match secret {
        Some(secret) => router.layer(Extension(EdgeSecret(secret.into()))),
        None => router,
    }
}

/// The address of the client. Who calls the gateway is the client, or CloudFront, which shows its
/// secret. The gateway adds its caller to `X-Forwarded-For`, and CloudFront its own before: the
/// last but one is the client, whatever the client has sent in front.
pub(crate) fn address_of(parts: &Parts) -> ClientAddress {
    let through_edge = parts.extensions.get::<EdgeSecret>().is_some_and(|EdgeSecret(secret)| {
        let shown = parts.headers.get(EDGE_SECRET).map(|shown| shown.as_bytes());
        shown.is_some_and(|shown| verify_slices_are_equal(shown, secret.as_bytes()).is_ok())
    });
    let forwarded = || {
        let line = parts.headers.get_all(FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
        ClientAddress::parse(line.rsplit(',').nth(1)?)
    };
    let caller = || match parts.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => ClientAddress::parse(context.http.source_ip.as_deref()?),
        _ => None,
    };
    let address = if through_edge { forwarded() } else { caller() };
    // Those without an address share one.
    address.unwrap_or(ClientAddress::V4(Ipv4Addr::UNSPECIFIED))
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
