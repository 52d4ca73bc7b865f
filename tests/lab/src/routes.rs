//! The call of each route for the bill.
//!
//! A route is called with its own event file, `events/<function>/<operation_id>.json`, and must
//! answer with the status of the file's row. The row names the files that must be sent before; a
//! new route needs no change here.
//! happened before; nothing has to be done here for a new route.

use testkit::events::{Row, all, function_of, http_functions, row};

/// One call of a route.
#[derive(Debug, Clone)]
pub(crate) struct RouteLine {
    /// The operation id.
    pub(crate) operation: String,
    /// The event file; its name without function and ending.
    pub(crate) case: String,
    /// The function that is called.
    pub(crate) function: String,
    /// The file's row.
    pub(crate) row: Box<Row>,
}

/// The call of the operation.
pub(crate) fn line(operation: &str) -> RouteLine {
    let function = function_of(operation);
    let row = row(&function, operation).unwrap_or_else(|| panic!("{function}/{operation} needs an object expect"));
    RouteLine { operation: operation.to_owned(), case: operation.to_owned(), function, row: Box::new(row) }
}

/// The other cases that their rows select: tried with faults too, and not in the bill.
pub(crate) fn others() -> Vec<RouteLine> {
    let mut lines = Vec::new();
    for function in http_functions() {
        for case in all(&function) {
            let Some(row) = row(&function, &case).filter(|row| row.faults) else { continue };
            let operation = case.split('.').next().unwrap_or_default().to_owned();
            lines.push(RouteLine { operation, case, function: function.clone(), row: Box::new(row) });
        }
    }
    lines
}
