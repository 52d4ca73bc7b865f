//! Shares, by their codes.

use domain::card::share::Share;
use domain::company::Company;
use domain::company::budget_spend::BudgetSpend;
use domain::kernel::failure::{Failure, Thing};
use domain::kernel::idempotency::Idempotency;
use domain::kernel::text::ShareCode;
use domain::kernel::timestamp::Timestamp;

use crate::table::item::expire;
use crate::table::kinds::SHARE;
use crate::{Store, keys};

impl Store {
    /// Makes a share; `until` is when it is forgotten, if ever.
    ///
    /// # Errors
    /// [`Failure::OverBudget`]; [`Failure::KeyReused`] when the request's key stands for another request.
    pub async fn create_share(
        &self,
        company: Company,
        share: Share,
        until: Option<Timestamp>,
        request: &Idempotency,
        spends: &[BudgetSpend],
    ) -> Result<Share, Failure> {
        let mut item = SHARE.encode(&keys::share(company, &share.code), &share)?;
        until.into_iter().for_each(|until| expire(&mut item, until));
        let (key, now) = (keys::idempotency(company, &request.key), share.created_at);
        self.create_once_within((company, spends), &key, request, now, share, |transaction| {
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
