//! Whose budgets an action takes from, and how much.

use crate::company::Company;
use crate::kernel::address::ClientAddress;
use crate::kernel::budget::BudgetName;
use crate::kernel::id::{MemberId, PersonId};
use crate::kernel::mobile::Mobile;

const MIB: u64 = 1_048_576;

/// Somebody whose actions are counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BudgetSubject {
    /// An identity in a company.
    Person(Company, PersonId),
    /// A member, where the identity is not at hand. The same scope.
    Member(Company, MemberId),
    /// A company.
    Company(Company),
    /// A client's address.
    Address(ClientAddress),
    /// A phone number.
    PhoneNumber(Mobile),
}

/// Tokens to take from a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetSpend {
    /// The budget.
    pub budget: BudgetName,
    /// Whose bucket.
    pub subject: BudgetSubject,
    /// How many.
    pub tokens: u64,
}

impl BudgetSpend {
    /// One token.
    pub fn one(budget: BudgetName, subject: BudgetSubject) -> Self {
        Self { budget, subject, tokens: 1 }
    }

    /// The tokens of a file: one for each MiB that it begins.
    pub fn bytes(budget: BudgetName, subject: BudgetSubject, bytes: u64) -> Self {
        Self { budget, subject, tokens: bytes.div_ceil(MIB).max(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::upload::Purpose;

    #[test]
    fn a_file_costs_each_mebibyte_that_it_begins_and_the_largest_fits() {
        let subject = BudgetSubject::Address(ClientAddress::parse("203.0.113.1").unwrap());
        let tokens = |bytes| BudgetSpend::bytes(BudgetName::UploadBytes, subject.clone(), bytes).tokens;
        assert_eq!([tokens(1), tokens(MIB), tokens(MIB + 1), tokens(50 * MIB)], [1, 1, 2, 50]);
        let largest = Purpose::ALL.iter().map(|purpose| purpose.limits().bytes_max).max().unwrap();
        assert!(BudgetName::UploadBytes.budget().rates[0].capacity >= tokens(largest));
    }
}
