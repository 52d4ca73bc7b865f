//! Where a customer stands: what can be shown of a rate before its calibration is known.

use domain::close_rate::rank_share::RankShare;
use serde::Serialize;
use utoipa::ToSchema;

/// Where a customer stands among the customers without a deal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RankBody {
    /// How many stand above the customer.
    above: u64,
    /// How many customers without a deal there are.
    customers: u64,
    /// The customer is among the first so many of all, in hundredths of a percent, rounded up.
    first_basis_points: u16,
    /// The same in Chinese, to show to the user.
    #[schema(example = "前 5%")]
    text: String,
}

impl From<RankShare> for RankBody {
    fn from(share: RankShare) -> Self {
        let RankShare { above, customers } = share;
        let text = format!("前 {}%", share.first_percent());
        Self { above, customers, first_basis_points: share.first_basis_points(), text }
    }
}
