//! One list of routes: what is served and the API document are both made from it.
//!
//! Schemas, examples and descriptions, which only the document needs, are reached only through
//! [`OpenApiRouter`], so that no shipped binary contains them.

use std::sync::OnceLock;

use axum::Router;
use axum::routing::MethodRouter;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

/// A path of operations, and what makes the handlers of its methods.
pub type Operations<S> = (String, fn() -> MethodRouter<S>);

/// A collection that operations are added to.
pub trait Routes<S>: Sized {
    /// Adds operations, as [`routes!`](crate::routes!) makes them: the handlers and their
    /// documentation.
    #[must_use]
    fn routes<V, D>(self, operations: (V, D)) -> Self
    where
        V: FnOnce() -> Vec<Operations<S>>,
        D: FnOnce() -> UtoipaMethodRouter<S>;
}

/// The paths of a function. The handlers of a path are made for the first request to it: an
/// environment sees few of its function's paths, and making all of them was a third of a start.
pub struct Served<S> {
    paths: Vec<ServedPath<S>>,
    /// The place of each path by its template, made for the first request.
    index: OnceLock<matchit::Router<usize>>,
}

/// A path of a function.
pub(crate) struct ServedPath<S> {
    /// The path with its parameters, each a whole segment in braces.
    pub(crate) template: String,
    operations: Vec<fn() -> MethodRouter<S>>,
    router: OnceLock<Router>,
}

impl<S> Default for Served<S> {
    fn default() -> Self {
        Self { paths: Vec::new(), index: OnceLock::new() }
    }
}

impl<S> Served<S> {
    /// The path of a request, found by the library that axum finds its routes with.
    pub(crate) fn find(&self, path: &str) -> Option<&ServedPath<S>> {
        let found = self.index.get_or_init(|| self.indexed()).at(path).ok()?;
        self.paths.get(*found.value)
    }

    fn indexed(&self) -> matchit::Router<usize> {
        let mut index = matchit::Router::new();
        for (place, path) in self.paths.iter().enumerate() {
            // Templates that are the same path with two names do not reach a release: no gateway
            // could be made from them.
            if let Err(error) = index.insert(path.template.as_str(), place) {
                tracing::error!(template = path.template, %error, "a path is not served");
            }
        }
        index
    }

    pub(crate) fn add(&mut self, (template, operations): Operations<S>) {
        if let Some(known) = self.paths.iter_mut().find(|known| known.template == template) {
            return known.operations.push(operations);
        }
        self.paths.push(ServedPath { template, operations: vec![operations], router: OnceLock::new() });
    }
}

impl<S: Clone + Send + Sync + 'static> ServedPath<S> {
    /// The router of this path alone, which `finish` completes when it is made.
    pub(crate) fn router(&self, finish: impl FnOnce(Router<S>) -> Router) -> &Router {
        self.router.get_or_init(|| {
            let made = self.operations.iter().map(|operations| operations());
            finish(made.fold(Router::new(), |router, methods| router.route(&self.template, methods)))
        })
    }
}

impl<S> Routes<S> for Served<S> {
    fn routes<V, D>(mut self, (served, _): (V, D)) -> Self
    where
        V: FnOnce() -> Vec<Operations<S>>,
        D: FnOnce() -> UtoipaMethodRouter<S>,
    {
        served().into_iter().for_each(|operations| self.add(operations));
        self
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> for OpenApiRouter<S> {
    fn routes<V, D>(self, (_, documented): (V, D)) -> Self
    where
        V: FnOnce() -> Vec<Operations<S>>,
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
                let path = ::utoipa_axum::routes!(@path [path()] of $first $(:: $rest)*);
                let served: fn() -> ::axum::routing::MethodRouter<_> = || {
                    use ::utoipa_axum::PathItemExt as _;
                    let methods = ::utoipa_axum::routes!(@path [methods()] of $first $(:: $rest)*);
                    methods.iter().fold(::axum::routing::MethodRouter::new(), |served, method| {
                        served.on(method.to_method_filter(), $first $(:: $rest)*)
                    })
                };
                (path, served)
            }),+],
            || ::utoipa_axum::routes!($($first $(:: $rest)*),+),
        )
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_once_with_all_its_operations() {
        let mut served = Served::<()>::default();
        for template in ["/a", "/a/{x}", "/a/b", "/a/{x}/c", "/a"] {
            served.add((template.to_owned(), MethodRouter::new));
        }
        let found = |path| served.find(path).map(|path| (path.template.as_str(), path.operations.len()));
        assert_eq!(found("/a"), Some(("/a", 2)));
        assert_eq!(found("/a/b"), Some(("/a/b", 1)), "letters go before a parameter");
        assert_eq!(found("/a/z"), Some(("/a/{x}", 1)));
        assert_eq!(found("/a/b/c"), Some(("/a/{x}/c", 1)));
        for unknown in ["", "/", "/a/", "/b", "/a/b/d", "/a/b/c/"] {
            assert_eq!(found(unknown), None, "{unknown}");
        }
    }
}
