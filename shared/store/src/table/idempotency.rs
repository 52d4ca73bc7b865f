//! Creating once: the first result is stored with what it created.

use domain::company::Company;
use domain::company::budget_spend::BudgetSpend;
use domain::kernel::idempotency::{Idempotency, replay_until};
use domain::kernel::timestamp::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::keys::Key;
use crate::table::item::{Item, expire, has_expired, number};
use crate::table::kinds::REQUEST;
use crate::table::transaction::{Cancelled, Refused, Transaction};
use domain::kernel::failure::Failure;

/// The first result of a creating request.
#[derive(Debug, Serialize, Deserialize)]
struct StoredRequest {
    fingerprint: String,
    /// The result as JSON: an opaque text here.
    result: String,
}

impl Store {
    /// Commits what `rest` adds together with the record of the request, and returns the result:
    /// this one, or the first one's when the request is a retry.
    pub(crate) async fn create_once<T: Serialize + DeserializeOwned>(
        &self,
        company: Company,
        key: &Key,
        request: &Idempotency,
        now: Timestamp,
        result: T,
        rest: impl FnOnce(&mut Transaction) -> Result<(), Failure>,
    ) -> Result<T, Failure> {
        self.create_once_within((company, &[]), key, request, now, result, rest).await
    }

    /// The same, and takes tokens from budgets. A retry takes none.
    pub(crate) async fn create_once_within<T: Serialize + DeserializeOwned>(
        &self,
        (company, spends): (Company, &[BudgetSpend]),
        key: &Key,
        request: &Idempotency,
        now: Timestamp,
        result: T,
        rest: impl FnOnce(&mut Transaction) -> Result<(), Failure>,
    ) -> Result<T, Failure> {
        let mut transaction = Transaction::default();
        let text = serde_json::to_string(&result).map_err(|error| REQUEST.corrupt(error))?;
        let mut item =
            REQUEST.encode(key, &StoredRequest { fingerprint: request.fingerprint.clone(), result: text })?;
        expire(&mut item, replay_until(now));
        // The table forgets expired items late, so an expired record is overwritten.
        let values = Item::from([(":now".to_owned(), number(now.seconds()))]);
        transaction.put(&self.table, item, "attribute_not_exists(#pk) OR expires_at <= :now", values, Failure::Busy);
        rest(&mut transaction)?;
        let failed = match self.commit_within(company, transaction, spends, now).await {
            Ok(()) => return Ok(result),
            Err(Cancelled::Store(error)) => return Err(error),
            Err(Cancelled::Conditions(failed)) => failed,
        };
        match failed.into_iter().next() {
            Some(Refused { position: 0, item: Some(first), .. }) => replay(first, request),
            Some(refused) => Err(refused.failure),
            None => Err(Failure::Busy),
        }
    }
}

/// The first result in the record of a request, unless it has expired.
pub(crate) fn replayed<T: DeserializeOwned>(
    first: Item,
    request: &Idempotency,
    now: Timestamp,
) -> Result<Option<T>, Failure> {
    if has_expired(&first, now) {
        return Ok(None);
    }
    replay(first, request).map(Some)
}

fn replay<T: DeserializeOwned>(first: Item, request: &Idempotency) -> Result<T, Failure> {
    let first: StoredRequest = REQUEST.decode(first)?;
    if first.fingerprint != request.fingerprint {
        return Err(Failure::KeyReused);
    }
    serde_json::from_str(&first.result).map_err(|error| REQUEST.corrupt(error))
}
