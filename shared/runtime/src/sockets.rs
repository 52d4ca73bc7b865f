//! Open WebSockets: sending a frame to one, and closing it.

use std::fmt;

use aws_sdk_apigatewaymanagement::error::DisplayErrorContext;
use aws_sdk_apigatewaymanagement::operation::delete_connection::DeleteConnectionError;
use aws_sdk_apigatewaymanagement::operation::post_to_connection::PostToConnectionError;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use domain::radar::live::SocketId;

/// The reason why a frame was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSent {
    /// The socket is closed.
    Gone,
    /// The gateway rejected it; for the log only.
    Failed(String),
}

/// Sockets that frames can be sent to.
pub trait Sockets {
    /// Sends a text frame.
    fn send(&self, socket: &SocketId, frame: &str) -> impl Future<Output = Result<(), NotSent>> + Send;
    /// Closes a socket; a closed socket stays closed.
    fn close(&self, socket: &SocketId) -> impl Future<Output = Result<(), NotSent>> + Send;
}

/// The sockets of an API Gateway.
#[derive(Clone)]
pub struct Gateway(aws_sdk_apigatewaymanagement::Client);

impl Gateway {
    /// The gateway of this client.
    pub fn new(client: aws_sdk_apigatewaymanagement::Client) -> Self {
        Self(client)
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gateway")
    }
}

impl Sockets for Gateway {
    async fn send(&self, socket: &SocketId, frame: &str) -> Result<(), NotSent> {
        let post = self.0.post_to_connection().connection_id(socket.as_str()).data(Blob::new(frame));
        post.send().await.map(drop).map_err(|error| match error.as_service_error() {
            Some(PostToConnectionError::GoneException(_)) => NotSent::Gone,
            _ => NotSent::Failed(DisplayErrorContext(error).to_string()),
        })
    }

    async fn close(&self, socket: &SocketId) -> Result<(), NotSent> {
        match self.0.delete_connection().connection_id(socket.as_str()).send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(DeleteConnectionError::GoneException(_)) => Ok(()),
                _ => Err(NotSent::Failed(DisplayErrorContext(error).to_string())),
            },
        }
    }
}
