//! Shares, by their codes.

use domain::card::share::Share;
use domain::company::Company;
use domain::kernel::failure::{Failure, Thing};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::text::ShareCode;

use crate::table::kinds::SHARE;
use crate::{Store, keys};

impl Store {
    /// Makes a share.
    ///
    /// # Errors
    /// [`Failure::KeyReused`] when the request's key stands for another request.
    pub async fn create_share(&self, company: Company, share: Share, request: &Idempotency) -> Result<Share, Failure> {
        let item = SHARE.encode(&keys::share(company, &share.code), &share)?;
        let (key, now) = (keys::idempotency(company, &request.key), share.created_at);
        self.create_once(company, &key, request, now, share, |transaction| {
            transaction.create(&self.table, item, Failure::Exists(Thing::Share));
            Ok(())
        })
        .await
    }

    /// The share of a code.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn share(&self, company: Company, code: &ShareCode) -> Result<Share, Failure> {
        self.get(company, &keys::share(company, code), SHARE).await?.ok_or(Failure::NotFound)
    }
}
