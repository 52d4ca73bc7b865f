//! Uploads: tickets by which members send files, and what became of them.

mod uploads;

use app::Flow;
use axum::Router;
use edge::routes;
use edge::routes::Routes;
use function::http::{Common, HttpFunction, contract, router};
use runtime::clock::Clock;
use runtime::ids::Ids;
use runtime::s3_signing::SignedBucket;
use store::Store;

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct App {
    store: Store,
    media: SignedBucket,
    clock: Clock,
    ids: Ids,
}

impl App {
    /// What the flows of one request work with.
    fn flow(&self) -> Flow<'_> {
        Flow { store: &self.store, ids: &self.ids, now: self.clock.now() }
    }
}

/// The function, ready to run.
pub fn build(Common { store, tokens, clock, ids }: Common, media: SignedBucket) -> Router {
    router(App { store, media, clock: clock.clone(), ids }, tokens, clock)
}

impl HttpFunction for App {
    const NAME: &'static str = "video";

    fn routes<R: Routes<Self>>(list: R) -> R {
        list.routes(routes!(uploads::create_upload)).routes(routes!(uploads::get_upload))
    }
}

/// The function's part of the contract.
pub fn openapi() -> utoipa::openapi::OpenApi {
    contract::<App>()
}
