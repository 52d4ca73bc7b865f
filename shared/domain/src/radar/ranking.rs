//! Rankings of employees by a metric (销售排行), and who leads them (销冠).

use serde::Deserialize;

use crate::kernel::day::Window;
use crate::kernel::id::{CardId, DepartmentId, MemberId};
use crate::kernel::pack::{Pack, pack_id, unpack_id};
use crate::kernel::string_enum::string_enum;
use crate::radar::metrics::Metrics;

string_enum! {
    /// What employees are ranked by.
    Metric, "unknown_metric", "未知的指标" {
        /// 客户总数 UV
        Visitors = "visitors",
        /// 浏览总数 PV
        Views = "views",
        /// 跟进总数
        FollowUps = "follow_ups",
        /// 沟通总客户数
        CustomersTalkedTo = "customers_talked_to",
        /// 商城销售金额
        Sales = "sales_fen",
        /// 商城订单数
        Orders = "orders",
        /// 被转发总数
        Forwards = "forwards",
        /// 被保存次数
        Saves = "saves",
        /// 被点赞总数
        Likes = "likes",
    }
}

impl Metric {
    /// Its value.
    pub fn of(self, metrics: &Metrics) -> i64 {
        match self {
            Self::Visitors => metrics.visitors,
            Self::Views => metrics.views,
            Self::FollowUps => metrics.follow_ups,
            Self::CustomersTalkedTo => metrics.customers_talked_to,
            Self::Sales => metrics.sales.0,
            Self::Orders => metrics.orders,
            Self::Forwards => metrics.forwards,
            Self::Saves => metrics.saves,
            Self::Likes => metrics.likes,
        }
    }
}

/// An employee's numbers in every window, in the order of [`Window::ALL`]. What is deserialized is the
/// JSON of a stored ranking's layout 1.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Contender {
    /// The member.
    #[serde(rename = "m")]
    pub member: MemberId,
    /// Their card.
    #[serde(rename = "c")]
    pub card: CardId,
    /// Their name when the numbers were read.
    #[serde(rename = "n")]
    pub name: String,
    /// The department they were put into.
    #[serde(default, rename = "d")]
    pub department: Option<DepartmentId>,
    /// The numbers.
    #[serde(rename = "w")]
    pub windows: [Metrics; 4],
}

/// Member, card, department if there is one, name, and the nine numbers of each window.
impl Pack for Contender {
    fn pack(&self, bytes: &mut Vec<u8>) {
        pack_id(&self.member, bytes);
        pack_id(&self.card, bytes);
        self.department.is_some().pack(bytes);
        if let Some(department) = &self.department {
            pack_id(department, bytes);
        }
        self.name.pack(bytes);
        for window in self.windows {
            <[i64; 9]>::from(window).iter().for_each(|number| number.pack(bytes));
        }
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let (member, card) = (unpack_id(bytes)?, unpack_id(bytes)?);
        let department = if bool::unpack(bytes)? { Some(unpack_id(bytes)?) } else { None };
        let (name, mut windows) = (String::unpack(bytes)?, [Metrics::default(); 4]);
        for window in &mut windows {
            let mut numbers = [0; 9];
            for number in &mut numbers {
                *number = i64::unpack(bytes)?;
            }
            *window = numbers.into();
        }
        Some(Self { member, card, name, department, windows })
    }
}

/// The first of these contenders as bytes, as many as fit; and how many they are.
pub fn pack_contenders(contenders: &[Contender], most_bytes: usize) -> (Vec<u8>, usize) {
    let (mut bytes, mut packed) = (Vec::new(), 0);
    for contender in contenders {
        let before = bytes.len();
        contender.pack(&mut bytes);
        if bytes.len() > most_bytes {
            bytes.truncate(before);
            break;
        }
        packed += 1;
    }
    (bytes, packed)
}

/// The contenders of these bytes.
pub fn unpack_contenders(mut bytes: &[u8]) -> Option<Vec<Contender>> {
    let mut contenders = Vec::new();
    while !bytes.is_empty() {
        contenders.push(Contender::unpack(&mut bytes)?);
    }
    Some(contenders)
}

/// A place in a ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankingPlace<'a> {
    /// 1 for the first; employees with equal values share a place.
    pub place: usize,
    /// The value they are ranked by.
    pub value: i64,
    /// The employee.
    pub contender: &'a Contender,
}

/// The employees with the greatest value first; of equal ones the one who was added first.
pub fn rank(contenders: &[Contender], metric: Metric, window: Window) -> Vec<RankingPlace<'_>> {
    let position = Window::ALL.iter().position(|one| *one == window).unwrap_or_default();
    let value = |contender: &Contender| metric.of(&contender.windows[position]);
    let mut sorted: Vec<_> = contenders.iter().collect();
    sorted.sort_by_key(|contender| (std::cmp::Reverse(value(contender)), contender.member));
    let mut places: Vec<RankingPlace<'_>> = Vec::with_capacity(sorted.len());
    for (nth, contender) in sorted.into_iter().enumerate() {
        let value = value(contender);
        let place = places.last().filter(|above| above.value == value).map_or(nth + 1, |above| above.place);
        places.push(RankingPlace { place, value, contender });
    }
    places
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::kernel::id::Id;

    fn contender(n: u128, views: [i64; 4]) -> Contender {
        Contender {
            member: MemberId::from_uuid(Uuid::from_u128(n)),
            card: CardId::from_uuid(Uuid::from_u128(n)),
            name: format!("{n}"),
            department: None,
            windows: views.map(|views| Metrics { views, ..Metrics::default() }),
        }
    }

    #[test]
    fn equals_share_a_place_and_stand_in_the_order_they_were_added() {
        let all = [contender(3, [5, 0, 1, 5]), contender(1, [5, 0, 2, 5]), contender(2, [9, 0, 3, 5])];
        let order = |window| {
            let places = rank(&all, Metric::Views, window);
            places.iter().map(|place| (place.place, place.contender.name.clone(), place.value)).collect::<Vec<_>>()
        };
        let named = |rows: [(usize, &str, i64); 3]| rows.map(|(place, name, value)| (place, name.to_owned(), value));
        assert_eq!(order(Window::Total), named([(1, "2", 9), (2, "1", 5), (2, "3", 5)]));
        assert_eq!(order(Window::Last7Days), named([(1, "2", 3), (2, "1", 2), (3, "3", 1)]));
        assert_eq!(order(Window::Yesterday), named([(1, "1", 0), (1, "2", 0), (1, "3", 0)]));
    }

    #[test]
    fn a_contender_reads_back_as_stored() {
        let all = Metrics::from([1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let department = DepartmentId::from_uuid(Uuid::from_u128(1));
        let stored = Contender { windows: [all; 4], department: Some(department), ..contender(1, [0; 4]) };
        let both = [contender(2, [7; 4]), stored.clone()];
        let (bytes, packed) = pack_contenders(&both, 10_000);
        assert_eq!((unpack_contenders(&bytes), packed), (Some(both.to_vec()), 2));
        assert_eq!(unpack_contenders(&bytes[1..]), None);
        let (cut, packed) = pack_contenders(&both, bytes.len() - 1);
        assert_eq!((unpack_contenders(&cut), packed), (Some(both[..1].to_vec()), 1));
        // As layout 1 had it.
        let ids = [stored.member.to_string(), stored.card.to_string(), department.to_string()];
        let numbers = "[1,2,3,4,5,6,7,8,9]";
        let json = format!(
            r#"{{"m":"{}","c":"{}","n":"1","d":"{}","w":[{numbers},{numbers},{numbers},{numbers}]}}"#,
            ids[0], ids[1], ids[2]
        );
        assert_eq!(serde_json::from_str::<Contender>(&json).unwrap(), stored);
    }

    #[test]
    fn a_thousand_employees_with_long_names_fit() {
        let one = |n: u128| Contender {
            name: "欧".repeat(30),
            department: Some(DepartmentId::from_uuid(Uuid::from_u128(n))),
            windows: [Metrics::from([90_000; 9]); 4],
            ..contender(n, [0; 4])
        };
        let (bytes, packed) = pack_contenders(&(0..1_000).map(one).collect::<Vec<_>>(), 390_000);
        assert_eq!((bytes.len(), packed), (248_000, 1_000));
    }
}
