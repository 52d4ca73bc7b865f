//! From a router to a running function: authentication, panics, problems, headers of every answer, one log
//! line per request.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use domain::kernel::id::CompanyId;
use http::header::{ALLOW, CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, StatusCode};
use http_body_util::BodyExt;
use lambda_http::lambda_runtime::service_fn;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, LambdaEvent, RequestExt, Service};
use runtime::metrics::{BudgetRefusal, EmfMetrics, emit};
use serde::Serialize;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;

use crate::auth::Authenticator;
use crate::problem::{Code, Problem};
use crate::routes::Served;
use crate::target;
use crate::trace::Trace;

/// The log line of a request, which is also its metrics.
#[derive(Debug, Serialize)]
struct RequestLine<'a> {
    level: &'static str,
    message: &'static str,
    function: &'static str,
    request_id: &'a str,
    company: Option<CompanyId>,
    method: &'a str,
    route: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    duration_ms: f64,
    requests: u32,
    server_errors: u32,
}

impl EmfMetrics for RequestLine<'_> {
    const DIMENSIONS: &'static [&'static str] = &["function"];
    const METRICS: &'static [(&'static str, &'static str)] =
        &[("duration_ms", "Milliseconds"), ("requests", "Count"), ("server_errors", "Count")];
}

/// The function's paths with everything around them.
pub fn app<S: Clone + Send + Sync + 'static>(
    function: &'static str,
    served: Served<S>,
    state: S,
    authenticator: Authenticator,
) -> Router {
    let (authenticator, served) = (Arc::new(authenticator), Arc::new(served));
    let routed = move |request: Request<Body>| {
        let (served, state) = (Arc::clone(&served), state.clone());
        async move { route(&served, state, request).await }
    };
    Router::new()
        .fallback(routed)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(move |request, next| observe(function, Arc::clone(&authenticator), request, next)))
}

/// What the handler of the path answers.
async fn route<S: Clone + Send + Sync + 'static>(served: &Served<S>, state: S, request: Request<Body>) -> Response {
    let Some(path) = served.find(request.uri().path()) else { return Problem::of(Code::NotFound).into_response() };
    if let Some(trace) = request.extensions().get::<Trace>() {
        trace.note_route(&path.template);
    }
    let not_allowed = async || Problem::of(Code::MethodNotAllowed);
    let router = path.router(|router| router.method_not_allowed_fallback(not_allowed).with_state(state));
    router.clone().oneshot(request).await.into_response()
}

/// Serves the router until the environment is shut down.
///
/// # Errors
/// Errors of the runtime.
pub async fn run(app: Router) -> Result<(), lambda_http::Error> {
    let answered = ServiceExt::<lambda_http::Request>::map_response(app, GatewayResponse);
    let mut adapter = Adapter::from(answered);
    let call = move |LambdaEvent { payload, context }: LambdaEvent<LambdaRequest>| {
        adapter.call(LambdaEvent::new(target::readable(payload), context))
    };
    lambda_http::lambda_runtime::run(service_fn(call)).await
}

/// A response for the gateway: as text where it is UTF-8, as all of ours are. The library's own way
/// asks the content type for an encoding, and links the tables of all of them.
struct GatewayResponse(Response);

impl lambda_http::IntoResponse for GatewayResponse {
    fn into_response(self) -> Pin<Box<dyn Future<Output = http::Response<lambda_http::Body>> + Send>> {
        Box::pin(async move {
            let (mut head, body) = self.0.into_parts();
            let Ok(body) = body.collect().await else {
                head.status = StatusCode::INTERNAL_SERVER_ERROR;
                return http::Response::from_parts(head, lambda_http::Body::Empty);
            };
            let body = match String::from_utf8(body.to_bytes().into()) {
                Ok(text) if text.is_empty() => lambda_http::Body::Empty,
                Ok(text) => lambda_http::Body::Text(text),
                Err(other) => lambda_http::Body::Binary(other.into_bytes()),
            };
            http::Response::from_parts(head, body)
        })
    }
}

fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Problem::of(Code::Internal).caused_by(format!("panic: {}", text.unwrap_or("?"))).into_response()
}

async fn observe(
    function: &'static str,
    authenticator: Arc<Authenticator>,
    mut request: Request<Body>,
    next: Next,
) -> Response {
    let started = Instant::now();
    let request_id = request.lambda_context_ref().map_or_else(String::new, |context| context.request_id.clone());
    let method = request.method().clone();
    let trace = Trace::default();
    let now = authenticator.clock.now();
    request.extensions_mut().insert(authenticator);
    request.extensions_mut().insert(trace.clone());
    let mut response = answer(request, next).await;
    // Rejections of axum become problems too.
    let foreign =
        |status: StatusCode| Problem::of(if status.is_server_error() { Code::Internal } else { Code::InvalidQuery });
    let problem = response.extensions_mut().remove::<Problem>();
    let problem = problem.or_else(|| is_foreign(&response).then(|| foreign(response.status())));
    let line = RequestLine {
        level: if response.status().is_server_error() { "ERROR" } else { "INFO" },
        message: "request",
        function,
        request_id: &request_id,
        company: trace.company(),
        method: method.as_str(),
        route: trace.route().unwrap_or("-"),
        status: response.status().as_u16(),
        code: problem.as_ref().map(|problem| problem.code().name()),
        cause: problem.as_ref().and_then(Problem::cause),
        duration_ms: started.elapsed().as_secs_f64() * 1_000.0,
        requests: 1,
        server_errors: u32::from(response.status().is_server_error()),
    };
    emit(&line, now);
    if let Some(budget) = problem.as_ref().and_then(Problem::budget) {
        emit(&BudgetRefusal::of(budget), now);
    }
    finished(response, problem, &request_id, &method)
}

/// The answer of the route. A path that is not [`target::is_literal`] has none, and `HEAD` is a method
/// like any other that no route has: axum would take it for `GET`.
async fn answer(mut request: Request<Body>, next: Next) -> Response {
    if !target::is_literal(&request) {
        return Problem::of(Code::NotFound).into_response();
    }
    if request.method() == Method::HEAD {
        *request.method_mut() = Method::TRACE;
    }
    next.run(request).await
}

/// The answer as it is sent: a problem is rendered, and every answer has the headers that all have.
fn finished(mut response: Response, problem: Option<Problem>, request_id: &str, method: &Method) -> Response {
    if let Some(problem) = problem {
        let allowed = response.headers_mut().remove(ALLOW).and_then(|methods| without_head(&methods));
        response = problem.render(request_id);
        if let Some(allowed) = allowed {
            response.headers_mut().insert(ALLOW, allowed);
        }
    }
    if method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert("x-request-id", value);
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The methods of a path, of the list that axum made.
fn without_head(methods: &HeaderValue) -> Option<HeaderValue> {
    let methods: Vec<_> = methods.to_str().ok()?.split(',').filter(|method| *method != "HEAD").collect();
    HeaderValue::from_str(&methods.join(", ")).ok()
}

fn is_foreign(response: &Response) -> bool {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    failed && response.headers().get(http::header::CONTENT_TYPE).is_none_or(|kind| kind != "application/problem+json")
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use axum::routing::get;
    use data_encoding::BASE64URL_NOPAD;
    use domain::kernel::timestamp::Timestamp;
    use runtime::clock::Clock;
    use serde_json::json;

    use super::*;
    use crate::budget::MemoryBudgets;
    use crate::token::TokenVerifier;

    fn answer_of(body: &'static [u8]) -> http::Response<lambda_http::Body> {
        use lambda_http::IntoResponse as _;
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::CREATED;
        response.headers_mut().insert("location", HeaderValue::from_static("/v1/me"));
        match pin!(GatewayResponse(response).into_response()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer,
            Poll::Pending => panic!("nothing to wait for"),
        }
    }

    #[test]
    fn an_answer_is_text_unless_it_is_no_utf_8() {
        let text = answer_of("\"中\"".as_bytes());
        assert_eq!((text.status(), &text.headers()["location"]), (StatusCode::CREATED, &"/v1/me".parse().unwrap()));
        assert_eq!(text.body(), &lambda_http::Body::Text("\"中\"".to_owned()));
        assert_eq!(answer_of(b"\xff\0").body(), &lambda_http::Body::Binary(vec![0xff, 0]));
        assert_eq!(answer_of(b"").body(), &lambda_http::Body::Empty);
    }

    /// Status, cache rule and content type of the answer.
    fn asked(method: Method, path: &str) -> (u16, String, String) {
        let x = BASE64URL_NOPAD.encode(Ed25519KeyPair::generate().unwrap().public_key().as_ref());
        let jwks = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x}]}).to_string();
        let clock = Clock::from_fn(|| Timestamp::from_millis(0));
        let tokens = TokenVerifier::from_jwks(&jwks).unwrap();
        let authenticator = Authenticator { tokens, clock, budgets: MemoryBudgets::default() };
        let mut served = Served::default();
        served.add(("/panics".to_owned(), || get(async || -> &'static str { panic!("on purpose") })));
        served.add(("/cached".to_owned(), || get(async || ([(CACHE_CONTROL, "max-age=60")], "kept"))));
        let request = http::Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let answer = app("test", served, (), authenticator).oneshot(request.with_raw_http_path(path));
        // Nothing here waits.
        let Poll::Ready(Ok(answer)) = pin!(answer).poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("an answer without waiting")
        };
        let header = |name| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        assert_eq!(header(X_CONTENT_TYPE_OPTIONS), "nosniff");
        (answer.status().as_u16(), header(CACHE_CONTROL), header(http::header::CONTENT_TYPE))
    }

    #[test]
    fn every_answer_has_the_headers_and_a_route_may_have_its_own_cache_rule() {
        let problem = |status| (status, "no-store".to_owned(), "application/problem+json".to_owned());
        assert_eq!(asked(Method::GET, "/panics"), problem(500));
        assert_eq!(asked(Method::GET, "/nowhere"), problem(404));
        assert_eq!(asked(Method::POST, "/cached"), problem(405));
        assert_eq!(asked(Method::HEAD, "/cached"), problem(405));
        assert_eq!(asked(Method::GET, "/cached").1, "max-age=60");
    }
}
