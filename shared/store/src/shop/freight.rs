//! The company's templates of freight.

use domain::shop::freight::FreightBook;

use crate::company::book::{BookName, StoredCompanyBook};

impl StoredCompanyBook for FreightBook {
    const KIND: BookName = BookName::FreightTemplates;
}
