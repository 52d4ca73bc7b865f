//! From a router to a running function: authentication, panics, problems, one log line per request.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use domain::kernel::id::CompanyId;
use http::{HeaderValue, StatusCode};
use lambda_http::RequestExt;
use runtime::metrics::{EmfMetrics, emit};
use serde::Serialize;
use tower_http::catch_panic::CatchPanicLayer;

use crate::auth::Authenticator;
use crate::problem::{Code, Problem};
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

/// A request that a budget has refused, for the alarm of the budget.
#[derive(Debug, Serialize)]
struct BudgetLine {
    level: &'static str,
    message: &'static str,
    budget: &'static str,
    budget_refusals: u32,
}

impl EmfMetrics for BudgetLine {
    const DIMENSIONS: &'static [&'static str] = &["budget"];
    const METRICS: &'static [(&'static str, &'static str)] = &[("budget_refusals", "Count")];
}

/// The router with everything around it.
pub fn app<S: Clone + Send + Sync + 'static>(
    function: &'static str,
    router: Router<S>,
    state: S,
    authenticator: Authenticator,
) -> Router {
    let authenticator = Arc::new(authenticator);
    router
        .fallback(async || Problem::of(Code::NotFound))
        .method_not_allowed_fallback(async || Problem::of(Code::MethodNotAllowed))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(move |request, next| observe(function, Arc::clone(&authenticator), request, next)))
        .with_state(state)
}

/// Serves the router until the environment is shut down.
///
/// # Errors
/// Errors of the runtime.
pub async fn run(app: Router) -> Result<(), lambda_http::Error> {
    lambda_http::run(app).await
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
    let method = request.method().to_string();
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let trace = Trace::default();
    let now = authenticator.clock.now();
    request.extensions_mut().insert(authenticator);
    request.extensions_mut().insert(trace.clone());
    let mut response = next.run(request).await;
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
        method: &method,
        route: &route,
        status: response.status().as_u16(),
        code: problem.as_ref().map(|problem| problem.code().name()),
        cause: problem.as_ref().and_then(Problem::cause),
        duration_ms: started.elapsed().as_secs_f64() * 1_000.0,
        requests: 1,
        server_errors: u32::from(response.status().is_server_error()),
    };
    emit(&line, now);
    if let Some(budget) = problem.as_ref().and_then(Problem::budget) {
        emit(&BudgetLine { level: "WARN", message: "budget", budget: budget.name(), budget_refusals: 1 }, now);
    }
    if let Some(problem) = problem {
        response = problem.render(&request_id);
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

fn is_foreign(response: &Response) -> bool {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    failed && response.headers().get(http::header::CONTENT_TYPE).is_none_or(|kind| kind != "application/problem+json")
}
