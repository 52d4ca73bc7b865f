//! The target of a request as the gateway hands it on: a path is what was sent or nothing, and a query never
//! breaks the request.
//!
//! An HTTP API decodes the path before a function sees it (all escapes but `%25`), and cuts it at a decoded
//! `?`. The URL parser below the router then drops white space and control characters at the end, reads
//! `#` and `?` as the end of the path, turns `\` into `/`, and goes up at `..`. So a path is only accepted if
//! it consists of characters that none of them touches.

use axum::extract::Request;
use http::header::HOST;
use lambda_http::RequestExt;
use lambda_http::request::LambdaRequest;

/// The request with nothing in it that the conversion to HTTP fails at, which would end in a panic: the
/// host, which no route looks at, and bytes of the query that a URL must escape.
#[must_use]
pub fn readable(mut request: LambdaRequest) -> LambdaRequest {
    // The only kind of request that is compiled in; the type has room for more.
    if let LambdaRequest::ApiGatewayV2(request) = &mut request {
        request.headers.remove(HOST);
        request.request_context.domain_name = None;
        if let Some(query) = request.raw_query_string.as_mut().filter(|query| !query.bytes().all(stands_in_a_query)) {
            *query = escaped(query);
        }
    }
    request
}

/// Whether the path that is routed is the one that was sent: of letters, digits and `-._~/` alone, and
/// without anything that a URL parser removes.
pub(crate) fn is_literal(request: &Request) -> bool {
    let sent = request.raw_http_path();
    sent == request.uri().path() && sent.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte))
}

fn stands_in_a_query(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"<>#".contains(&byte)
}

fn escaped(query: &str) -> String {
    let mut text = String::with_capacity(query.len() + 8);
    for byte in query.bytes() {
        if stands_in_a_query(byte) {
            text.push(byte.into());
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn request(path: &str, query: &str, host: &str) -> Request {
        let payload = json!({
            "version": "2.0", "rawPath": path, "rawQueryString": query, "headers": {"host": host},
            "requestContext": {"http": {"method": "GET", "path": path}, "domainName": host, "stage": "$default"},
            "isBase64Encoded": false,
        });
        let event: LambdaRequest = serde_json::from_str(&payload.to_string()).unwrap();
        http::Request::from(readable(event)).map(|_| Body::empty())
    }

    #[test]
    fn a_path_of_plain_characters_is_literal() {
        for path in ["/", "/v1/cards/crd_0123/vcard", "/v1/share-codes/a_B-9.~"] {
            assert!(is_literal(&request(path, "", "localhost")), "{path}");
        }
    }

    #[test]
    fn a_path_that_a_url_parser_changes_is_not_literal() {
        for tail in ["\0", " ", "\n", "\t", "#x", "?x", "%00", "%2Fvcard", "%3F", "\\vcard", "/../me", "/.", "é", "中"]
        {
            assert!(!is_literal(&request(&format!("/v1/cards/crd_0123{tail}"), "", "localhost")), "{tail:?}");
        }
        assert!(!is_literal(&request("/v1/\tcards/crd_0123", "", "localhost")));
    }

    proptest! {
        #[test]
        fn any_path_query_and_host_become_a_request(path in "/\\PC{0,40}", query in "(?s).{0,40}", host in "(?s).{0,12}") {
            let host = if http::HeaderValue::from_str(&host).is_ok() { host } else { "localhost".to_owned() };
            let made = request(&path, &query, &host);
            prop_assert_eq!(made.raw_http_path(), path.as_str());
            let plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte));
            prop_assert!(plain || !is_literal(&made));
        }

        #[test]
        fn a_query_means_the_same_when_it_is_readable(value in "(?s).{0,20}") {
            let made = request("/", &format!("q={}", value.replace(['%', '&', '+'], "_")), "localhost");
            let axum::extract::Query(read) = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(made.uri()).unwrap();
            prop_assert_eq!(read, vec![("q".to_owned(), value.replace(['%', '&', '+'], "_"))]);
        }
    }
}
