//! The platform operator, known by their key.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::FromRequestParts;
use domain::company::Company;
use domain::kernel::address::ClientAddress;
use domain::kernel::failure::Failure;
use domain::kernel::id::CompanyId;
use http::request::Parts;

use crate::address::address_of;
use crate::auth::Actor;
use crate::problem::{Code, Problem};

/// Header with the platform operator's key.
const OPERATOR_KEY: &str = "x-operator-key";

/// The platform operator. Only routes of a function with [`OperatorKeys`] can ask for the operator.
#[derive(Debug, Clone, Copy)]
pub struct Operator(());

/// A function that can recognize the platform operator.
pub trait OperatorKeys {
    /// SHA-256 digests of the accepted operator keys. Called only if a request has a key.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] if they cannot be read now.
    fn operator_keys(&self) -> impl Future<Output = Result<&[[u8; 32]], Failure>> + Send;

    /// Counts a key before it is compared.
    ///
    /// # Errors
    /// [`Failure::OverBudget`] if the address has sent too many.
    fn count_operator_key(&self, address: ClientAddress) -> impl Future<Output = Result<(), Failure>> + Send;
}

impl Operator {
    /// Any company: the operator serves all of them. An unknown company has no data.
    pub fn company(&self, id: CompanyId) -> Company {
        Company::granted(id)
    }
}

impl Actor for Operator {
    fn actor(&self) -> String {
        "operator".to_owned()
    }
}

impl<S: OperatorKeys + Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let given = parts.headers.get(OPERATOR_KEY).ok_or_else(|| Problem::of(Code::Unauthorized))?;
        let given = digest(&SHA256, given.as_bytes());
        state.count_operator_key(address_of(parts)).await?;
        let keys = state.operator_keys().await?;
        let known = keys.iter().any(|key| verify_slices_are_equal(key, given.as_ref()).is_ok());
        if known { Ok(Self(())) } else { Err(Problem::of(Code::Unauthorized)) }
    }
}
