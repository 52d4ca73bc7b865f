//! The department that a member and their card are assigned to, as a condition and as a change.

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Update};
use domain::kernel::id::DepartmentId;

use crate::table::item::text;

/// The condition that a member's department is still this one, and the value `:was` of it.
pub(crate) fn stays_in(department: Option<DepartmentId>) -> (&'static str, Option<AttributeValue>) {
    match department {
        Some(department) => ("department = :was", Some(text(department.to_string()))),
        None => ("attribute_not_exists(department)", None),
    }
}

/// The change that puts a member or a card into a department.
pub(crate) fn put_into(department: Option<DepartmentId>) -> UpdateBuilder {
    match department {
        Some(department) => Update::builder()
            .update_expression("SET department = :department")
            .expression_attribute_values(":department", text(department.to_string())),
        None => Update::builder().update_expression("REMOVE department"),
    }
}
