//! What the company's people say of a customer, as it is shown.

use domain::close_rate::Rate;
use domain::day::Day;
use domain::dealings::{Deal, SetRate};
use domain::id::{CardId, DealId, MemberId};
use domain::timestamp::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A close rate that was set by hand.
#[derive(Debug, Serialize, ToSchema)]
pub struct SetRateBody {
    /// Hundredths of a percent, 0 to 10,000.
    basis_points: Rate,
    set_at: Timestamp,
    /// The member who did it.
    set_by: MemberId,
}

/// A closed deal.
#[derive(Debug, Serialize, ToSchema)]
pub struct DealBody {
    deal_id: DealId,
    /// With whose customer it was closed.
    card_id: CardId,
    closed_on: Day,
    recorded_at: Timestamp,
    /// The member who did it.
    recorded_by: MemberId,
}

impl From<SetRate> for SetRateBody {
    fn from(SetRate { at, rate, by }: SetRate) -> Self {
        Self { basis_points: rate, set_at: at, set_by: by }
    }
}

impl DealBody {
    /// A deal on a card.
    pub fn new(card_id: CardId, deal_id: DealId, Deal { closed_on, at, by }: Deal) -> Self {
        Self { deal_id, card_id, closed_on, recorded_at: at, recorded_by: by }
    }
}
