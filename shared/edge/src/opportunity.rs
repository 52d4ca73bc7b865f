//! Rates set by hand and closed deals of a customer, as answers show them.

use domain::close_rate::model::Rate;
use domain::crm::opportunity::{Deal, ManualCloseRate};
use domain::kernel::day::Day;
use domain::kernel::id::{CardId, DealId, MemberId};
use domain::kernel::timestamp::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A close rate that was set by hand.
#[derive(Debug, Serialize, ToSchema)]
pub struct ManualCloseRateBody {
    /// The close rate in hundredths of a percent.
    basis_points: Rate,
    /// When it was set.
    set_at: Timestamp,
    /// The member who set it.
    set_by: MemberId,
}

/// A closed deal.
#[derive(Debug, Serialize, ToSchema)]
pub struct DealBody {
    /// The deal.
    deal_id: DealId,
    /// The card of the customer.
    card_id: CardId,
    /// The day when the deal was closed, in Asia/Shanghai.
    closed_on: Day,
    /// When it was recorded.
    recorded_at: Timestamp,
    /// The member who recorded it.
    recorded_by: MemberId,
}

impl From<ManualCloseRate> for ManualCloseRateBody {
    fn from(ManualCloseRate { at, rate, by }: ManualCloseRate) -> Self {
        Self { basis_points: rate, set_at: at, set_by: by }
    }
}

impl DealBody {
    /// A deal on a card.
    pub fn new(card_id: CardId, deal_id: DealId, Deal { closed_on, at, by }: Deal) -> Self {
        Self { deal_id, card_id, closed_on, recorded_at: at, recorded_by: by }
    }
}
