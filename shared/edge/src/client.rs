//! The client of a request, for handlers that count addresses.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use domain::company::budget_spend::{BudgetSpend, BudgetSubject};
use domain::kernel::address::ClientAddress;
use domain::kernel::budget::OverBudget;
use domain::kernel::timestamp::Timestamp;
use http::request::Parts;

use crate::address::address_of;
use crate::auth::{Authenticator, authenticator};
use crate::problem::Problem;

/// The client of a request, and the budgets of this process.
#[derive(Clone)]
pub struct Client {
    authenticator: Arc<Authenticator>,
    address: ClientAddress,
}

impl Client {
    /// The address that counts.
    pub fn address(&self) -> BudgetSubject {
        BudgetSubject::Address(self.address)
    }

    /// Takes tokens from all of the buckets, or from none.
    ///
    /// # Errors
    /// [`OverBudget`] of the first that has too few.
    pub fn spend(&self, spends: &[BudgetSpend], now: Timestamp) -> Result<(), Problem> {
        self.authenticator.budgets.spend(spends, now).map_err(Problem::from)
    }

    /// Rejects a spend that the table has refused, until its time is over. It takes no token.
    ///
    /// # Errors
    /// [`OverBudget`].
    pub fn look(&self, spend: &BudgetSpend, now: Timestamp) -> Result<(), Problem> {
        self.authenticator.budgets.look(spend, now).map_err(Problem::from)
    }

    /// Remembers that the table has refused a spend.
    pub fn remember(&self, refused: &BudgetSpend, over: OverBudget, now: Timestamp) {
        self.authenticator.budgets.remember(refused, over, now);
    }
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self { authenticator: authenticator(parts)?, address: address_of(parts) })
    }
}
