//! Event ingest: validates a batch, enriches it and puts what is right of it into the queues as one
//! message. Counts nothing and writes nothing to the table.

mod known;
mod new_batch;
pub mod queue;
mod record_events;

use std::sync::Arc;

use axum::Router;
use edge::routes;
use edge::routes::Routes;
use function::http::{Common, HttpFunction, contract, router};
use runtime::clock::Clock;

use crate::known::Known;
use crate::queue::Queues;

/// The state that the handlers share.
#[derive(Clone)]
pub(crate) struct App {
    known: Arc<Known>,
    queues: Queues,
    clock: Clock,
}

/// The function, ready to run; `queues` are the aggregator's and the live radar's.
pub fn build(Common { store, tokens, clock, .. }: Common, queues: Queues) -> Router {
    let known = Arc::new(Known::new(store));
    router(App { known, queues, clock: clock.clone() }, tokens, clock)
}

impl HttpFunction for App {
    const NAME: &'static str = "tracking";

    fn routes<R: Routes<Self>>(list: R) -> R {
        list.routes(routes!(record_events::record_events))
    }
}

/// The function's part of the API document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    contract::<App>()
}
