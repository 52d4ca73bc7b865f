//! Customers who may be the same person (疑似重复): by number, or by name.

use crate::crm::list_filter::ListContext;
use crate::crm::row::CustomerRow;
use crate::kernel::string_enum::string_enum;

/// Most customers that are named.
pub const LIKELY_DUPLICATES_MAX: usize = 20;

string_enum! {
    /// What two customers have in common.
    DuplicateReason, "unknown_reason", "没有这种重复原因" {
        /// 手机号相同
        Mobile = "mobile",
        /// 姓名相同
        Name = "name",
        /// 公司相同
        Company = "company",
    }
}

/// A customer who may be the same person as another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LikelyDuplicate {
    /// The customer, without contacts that the member may not see.
    pub row: CustomerRow,
    /// What they have in common, the strongest first. A company alone is no reason.
    pub reasons: Vec<DuplicateReason>,
}

impl CustomerRow {
    /// Those among `rows` who may be the same person, whom the member sees: the likeliest first.
    pub fn likely_duplicates<'a>(
        &self,
        rows: impl IntoIterator<Item = &'a Self>,
        context: ListContext<'_>,
    ) -> Vec<LikelyDuplicate> {
        let others = rows.into_iter().filter(|row| row.person != self.person && row.is_visible_to(context.viewer));
        let mut found: Vec<_> = others
            .filter_map(|row| {
                let reasons = self.in_common(row, context);
                let is_likely = reasons.iter().any(|reason| *reason != DuplicateReason::Company);
                is_likely.then(|| LikelyDuplicate { row: row.as_shown(context), reasons })
            })
            .collect();
        let strength = |duplicate: &LikelyDuplicate| (duplicate.reasons.clone(), duplicate.row.person);
        found.sort_by_cached_key(|duplicate| {
            let (reasons, person) = strength(duplicate);
            (reasons.first().copied(), std::cmp::Reverse(reasons.len()), person)
        });
        found.truncate(LIKELY_DUPLICATES_MAX);
        found
    }

    fn in_common(&self, other: &Self, context: ListContext<'_>) -> Vec<DuplicateReason> {
        let shown = context.shows_contacts(self) && context.shows_contacts(other);
        let same = |a: &str, b: &str| !a.is_empty() && normal(a) == normal(b);
        let all = [
            (DuplicateReason::Mobile, shown && same(&self.mobile, &other.mobile)),
            (DuplicateReason::Name, same(&self.name, &other.name)),
            (DuplicateReason::Company, same(&self.company, &other.company)),
        ];
        all.into_iter().filter(|(_, is_same)| *is_same).map(|(reason, _)| reason).collect()
    }

    fn as_shown(&self, context: ListContext<'_>) -> Self {
        let mobile = if context.shows_contacts(self) { self.mobile.clone() } else { String::new() };
        Self { mobile, ..self.clone() }
    }
}

/// A text without what people write now and then: spaces, points, brackets and capitals, in half or full width.
fn normal(text: &str) -> String {
    let half = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        other => other,
    };
    let is_kept = |c: &char| !c.is_whitespace() && !matches!(c, '.' | '·' | '•' | '(' | ')' | '-' | ',');
    text.chars().map(half).filter(is_kept).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::close_rate::model::Model;
    use crate::crm::ownership::CustomerOwner;
    use crate::crm::row::tests::plain;
    use crate::crm::tag::TagBook;
    use crate::crm::viewer::Viewer;
    use crate::kernel::day::Day;
    use crate::kernel::id::{Id, MemberId};
    use crate::kernel::timestamp::Timestamp;

    fn member(n: u128) -> MemberId {
        MemberId::from_uuid(uuid::Uuid::from_u128(n))
    }

    fn row(n: u128, name: &str, mobile: &str, company: &str) -> CustomerRow {
        let [name, mobile, company] = [name, mobile, company].map(str::to_owned);
        let owner = Some(CustomerOwner { member: Some(member(1)), card: None });
        CustomerRow { name, mobile, company, owner, ..plain(n) }
    }

    /// The others whom a member finds, with what they have in common.
    fn found(viewer: Viewer, contacts_hidden: bool, rows: &[CustomerRow]) -> Vec<(usize, String)> {
        let (model, tags) = (Model::default(), TagBook::default());
        let today = Day::of(Timestamp::from_millis(0));
        let context = ListContext { viewer, model: &model, tags: &tags, today, contacts_hidden };
        let place = |found: &LikelyDuplicate| rows.iter().position(|row| row.person == found.row.person).unwrap();
        let names = |found: &LikelyDuplicate| found.reasons.iter().map(|reason| reason.name()).collect::<Vec<_>>();
        let duplicates = rows[0].likely_duplicates(rows, context);
        duplicates.iter().map(|found| (place(found), names(found).join("+"))).collect()
    }

    fn boss() -> Viewer {
        Viewer { member: member(9), card: None, admin: true }
    }

    #[test]
    fn customers_are_alike_by_number_or_name_and_a_company_alone_says_nothing() {
        let rows = [
            row(9, "王敏", "+8613800138000", "云岭（青岛）"),
            row(1, "王 敏", "", ""),
            row(2, "李四", "+8613800138000", ""),
            row(3, "王敏", "", "云岭(青岛)"),
            row(4, "赵六", "", "云岭（青岛）"),
            row(5, "", "", ""),
        ];
        let expected = [(2, "mobile"), (3, "name+company"), (1, "name")].map(|(n, text)| (n, text.to_owned()));
        assert_eq!(found(boss(), false, &rows), expected);
        assert_eq!(found(boss(), false, &rows[5..]), [], "nobody is known of them");
    }

    #[test]
    fn nobody_learns_of_customers_or_numbers_that_they_may_not_see() {
        let mut rows =
            [row(1, "王敏", "+8613800138000", ""), row(2, "王敏", "+8613800138000", ""), row(3, "王敏", "", "")];
        let of_one = Viewer { member: member(1), card: None, admin: false };
        rows[2].owner = Some(CustomerOwner { member: Some(member(2)), card: None });
        assert_eq!(found(of_one, false, &rows), [(1, "mobile+name".to_owned())], "a colleague's");
        rows[1].owner = None;
        assert_eq!(found(of_one, true, &rows), [(1, "name".to_owned())], "hidden until somebody owns them");
    }

    #[test]
    fn at_most_twenty_are_named() {
        let rows: Vec<_> = (1..=30).map(|n| row(n, "王敏", "", "")).collect();
        assert_eq!(found(boss(), false, &rows).len(), LIKELY_DUPLICATES_MAX);
    }
}
