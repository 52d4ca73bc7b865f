use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;

use super::*;

/// The parts of a request from an address, with headers.
fn request(source: &str, headers: &[(&str, &str)], secret: Option<&str>) -> Parts {
    let mut request = http::Request::builder();
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    let mut context = ApiGatewayV2httpRequestContext::default();
    context.http.source_ip = Some(source.to_owned());
    parts.extensions.insert(RequestContext::ApiGatewayV2(context));
    if let Some(secret) = secret {
        parts.extensions.insert(EdgeSecret(secret.into()));
    }
    parts
}

#[test]
fn the_address_is_the_callers_and_no_header_changes_it() {
    let of = |headers: &[(&str, &str)], secret| address_of(&request("203.0.113.1", headers, secret)).to_string();
    let forwarded = ("x-forwarded-for", "198.51.100.7, 198.51.100.8");
    assert_eq!(of(&[], None), "203.0.113.1");
    assert_eq!(of(&[forwarded], None), "203.0.113.1");
    assert_eq!(of(&[forwarded, ("x-edge-secret", "s")], None), "203.0.113.1", "there is no CloudFront");
    assert_eq!(of(&[forwarded, ("x-edge-secret", "other")], Some("secret")), "203.0.113.1", "past CloudFront");
    assert_eq!(of(&[forwarded], Some("secret")), "203.0.113.1", "past CloudFront");
}

#[test]
fn behind_cloudfront_the_address_is_what_cloudfront_saw() {
    let shown = ("x-edge-secret", "secret");
    let of = |forwarded: &str| {
        let headers = [("x-forwarded-for", forwarded), shown];
        address_of(&request("203.0.113.1", &headers, Some("secret"))).to_string()
    };
    // The last is CloudFront's own, added by the gateway.
    assert_eq!(of("198.51.100.8, 203.0.113.1"), "198.51.100.8");
    assert_eq!(of("made up, 10.0.0.1, 198.51.100.8, 203.0.113.1"), "198.51.100.8");
    assert_eq!(of("2001:db8:1:2::9,203.0.113.1"), "2001:db8:1:2::/64");
    assert_eq!(of("203.0.113.1"), "0.0.0.0", "who is unknown shares one bucket with all who are");
}
