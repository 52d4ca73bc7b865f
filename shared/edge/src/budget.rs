//! Budgets in the memory of a process, and the client whose requests they count.
//!
//! A process knows its own requests only: with `n` processes at work, `n` times the capacity can
//! pass. A process forgets a bucket after [`GENERATION_MAX`] others were used, or when it ends; the
//! bucket is full then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Extension, FromRequestParts};
use domain::kernel::address::ClientAddress;
use domain::kernel::budget::{Bucket, BudgetName, BudgetSpend, BudgetSubject, OverBudget};
use domain::kernel::timestamp::Timestamp;
use http::request::Parts;
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;

use crate::auth::Authenticator;
use crate::problem::Problem;

/// Buckets in one of the two generations, each of about 150 bytes.
const GENERATION_MAX: usize = 10_000;
/// The header by which CloudFront shows that a request came through it.
const EDGE_SECRET: &str = "x-edge-secret";
const FORWARDED_FOR: &str = "x-forwarded-for";

type Buckets = HashMap<(BudgetName, BudgetSubject), Bucket>;

/// The buckets of a process.
#[derive(Debug, Default)]
pub struct MemoryBudgets(Mutex<Generations>);

/// Buckets that were used lately, and those before. When the young are too many, they become the
/// old, and the old are forgotten.
#[derive(Debug, Default)]
struct Generations {
    young: Buckets,
    old: Buckets,
}

impl MemoryBudgets {
    /// Takes tokens from all of the buckets, or from none.
    ///
    /// # Errors
    /// [`OverBudget`] of the first that has too few.
    pub fn spend(&self, spends: &[BudgetSpend], now: Timestamp) -> Result<(), OverBudget> {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut after = Vec::with_capacity(spends.len());
        for BudgetSpend { budget, subject, tokens } in spends {
            let key = (*budget, subject.clone());
            let bucket = generations.find(&key).spend(budget.budget(), *tokens, now)?;
            after.push((key, bucket));
        }
        for (key, bucket) in after {
            generations.keep(key, bucket);
        }
        Ok(())
    }
}

impl Generations {
    fn find(&self, key: &(BudgetName, BudgetSubject)) -> Bucket {
        self.young.get(key).or_else(|| self.old.get(key)).copied().unwrap_or_default()
    }

    fn keep(&mut self, key: (BudgetName, BudgetSubject), bucket: Bucket) {
        if self.young.len() >= GENERATION_MAX && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, bucket);
    }
}

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
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self { authenticator: crate::auth::authenticator(parts)?, address: address_of(parts) })
    }
}

/// The secret that CloudFront adds to requests. Without it no header is believed.
#[derive(Clone)]
struct EdgeSecret(Arc<str>);

/// The router behind a CloudFront that adds this secret to requests; `None` if there is none.
pub fn behind_edge(router: Router, secret: Option<String>) -> Router {
    match secret {
        Some(secret) => router.layer(Extension(EdgeSecret(secret.into()))),
        None => router,
    }
}

/// The address of the client. Who calls the gateway is the client, or CloudFront, which shows its
/// secret. The gateway adds its caller to `X-Forwarded-For`, and CloudFront its own before: the
/// last but one is the client, whatever the client has sent in front.
pub(crate) fn address_of(parts: &Parts) -> ClientAddress {
    let through_edge = parts.extensions.get::<EdgeSecret>().is_some_and(|EdgeSecret(secret)| {
        let shown = parts.headers.get(EDGE_SECRET).map(|shown| shown.as_bytes());
        shown.is_some_and(|shown| aws_lc_rs::constant_time::verify_slices_are_equal(shown, secret.as_bytes()).is_ok())
    });
    let forwarded = || {
        let line = parts.headers.get_all(FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
        ClientAddress::parse(line.rsplit(',').nth(1)?)
    };
    let caller = || match parts.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => ClientAddress::parse(context.http.source_ip.as_deref()?),
        _ => None,
    };
    let address = if through_edge { forwarded() } else { caller() };
    // Those without an address share one.
    address.unwrap_or(ClientAddress::V4(std::net::Ipv4Addr::UNSPECIFIED))
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
