//! The AWS operation of a request.

use crate::http::Message;

/// The AWS operation of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operation {
    /// For example `DynamoDB_20120810`.
    pub(crate) service: String,
    /// For example `GetItem`.
    pub(crate) name: String,
}

impl Operation {
    /// The operation of a service that has it in a header.
    pub(crate) fn of(request: &Message) -> Option<Self> {
        let (service, name) = request.header("x-amz-target")?.split_once('.')?;
        Some(Self { service: service.to_owned(), name: name.to_owned() })
    }

    /// An operation of DynamoDB, for tests.
    #[cfg(test)]
    pub(crate) fn dynamodb(name: &str) -> Self {
        Self { service: "DynamoDB_20120810".to_owned(), name: name.to_owned() }
    }

    /// Whether it is one of SQS.
    pub(crate) fn is_queue(&self) -> bool {
        self.service == "AmazonSQS"
    }

    /// Whether DynamoDB bills it in read units.
    pub(crate) fn is_read(&self) -> bool {
        ["GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"].contains(&self.name.as_str())
    }

    /// Whether it reads or writes items; only those have units.
    pub(crate) fn has_units(&self) -> bool {
        self.is_read()
            || ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"]
                .contains(&self.name.as_str())
    }
}
