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
    #[schema(value_type = u16)]
    basis_points: Rate,
    #[schema(value_type = String, format = DateTime)]
    set_at: Timestamp,
    /// The member who did it.
    #[schema(value_type = String)]
    set_by: MemberId,
}

/// A closed deal.
#[derive(Debug, Serialize, ToSchema)]
pub struct DealBody {
    #[schema(value_type = String)]
    deal_id: DealId,
    /// With whose customer it was closed.
    #[schema(value_type = String)]
    card_id: CardId,
    #[schema(value_type = String, format = Date)]
    closed_on: Day,
    #[schema(value_type = String, format = DateTime)]
    recorded_at: Timestamp,
    /// The member who did it.
    #[schema(value_type = String)]
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
