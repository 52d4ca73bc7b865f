//! Uploads: tickets with which members send files, and the state of the files.

mod upload;

use app::Flow;
use axum::Router;
use domain::company::Company;
use domain::kernel::failure::Failure;
use domain::kernel::id::UploadId;
use domain::media::upload::Upload;
use edge::access::UploadLookup;
use edge::routes;
use edge::routes::Routes;
use function::http::{Common, HttpFunction, contract, router};
use runtime::clock::Clock;
use runtime::ids::Ids;
use runtime::s3_signing::SignedBucket;
use store::Store;

/// The state that the handlers share.
#[derive(Clone)]
pub(crate) struct App {
    store: Store,
    media: SignedBucket,
    clock: Clock,
    ids: Ids,
}

impl App {
    /// The context of one request for the flows.
    fn flow(&self) -> Flow<'_> {
        Flow { store: &self.store, ids: &self.ids, now: self.clock.now() }
    }
}

impl UploadLookup for App {
    async fn find_upload(&self, company: Company, upload: UploadId) -> Result<Upload, Failure> {
        self.store.upload(company, upload).await
    }
}

/// The function, ready to run.
pub fn build(Common { store, tokens, clock, ids }: Common, media: SignedBucket) -> Router {
    router(App { store, media, clock: clock.clone(), ids }, tokens, clock)
}

impl HttpFunction for App {
    const NAME: &'static str = "video";

    fn routes<R: Routes<Self>>(list: R) -> R {
        list.routes(routes!(upload::create_upload)).routes(routes!(upload::get_upload))
    }
}

/// The function's part of the API document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    contract::<App>()
}
