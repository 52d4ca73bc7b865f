//! One list of routes: the served router and the API document are both made from it.
//!
//! Schemas, examples and descriptions, which only the document needs, are reached only through
//! [`OpenApiRouter`], so that no shipped binary contains them.

use axum::Router;
use axum::routing::MethodRouter;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

/// A collection that operations are added to.
pub trait Routes<S>: Sized {
    /// Adds operations, as [`routes!`](crate::routes!) makes them: the handlers and their
    /// documentation.
    #[must_use]
    fn routes<V, D>(self, operations: (V, D)) -> Self
    where
        V: FnOnce() -> Vec<(String, MethodRouter<S>)>,
        D: FnOnce() -> UtoipaMethodRouter<S>;
}

impl<S: Clone + Send + Sync + 'static> Routes<S> for Router<S> {
    fn routes<V, D>(self, (served, _): (V, D)) -> Self
    where
        V: FnOnce() -> Vec<(String, MethodRouter<S>)>,
        D: FnOnce() -> UtoipaMethodRouter<S>,
    {
        served().into_iter().fold(self, |router, (path, methods)| router.route(&path, methods))
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> for OpenApiRouter<S> {
    fn routes<V, D>(self, (_, documented): (V, D)) -> Self
    where
        V: FnOnce() -> Vec<(String, MethodRouter<S>)>,
        D: FnOnce() -> UtoipaMethodRouter<S>,
    {
        // The router's own method of this name.
        OpenApiRouter::routes(self, documented())
    }
}

/// The operations of handlers with a `#[utoipa::path]`, of one path each time, for
/// [`Routes::routes`].
#[macro_export]
macro_rules! routes {
    ($($first:ident $(:: $rest:ident)*),+ $(,)?) => {
        (
            || vec![$({
                use ::utoipa_axum::PathItemExt as _;
                let path = ::utoipa_axum::routes!(@path [path()] of $first $(:: $rest)*);
                let methods = ::utoipa_axum::routes!(@path [methods()] of $first $(:: $rest)*);
                let served = methods.iter().fold(::axum::routing::MethodRouter::new(), |served, method| {
                    served.on(method.to_method_filter(), $first $(:: $rest)*)
                });
                (path, served)
            }),+],
            || ::utoipa_axum::routes!($($first $(:: $rest)*),+),
        )
    };
}
