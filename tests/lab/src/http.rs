//! The part of HTTP/1.1 that the laboratory needs, for both sides of a connection.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// A request or an answer, with its whole body.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// The first line, for example `POST / HTTP/1.1`.
    pub(crate) start: String,
    /// Names and values as received.
    pub(crate) headers: Vec<(String, String)>,
    /// The body; empty when there is none.
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// An answer of this status with a JSON body.
    pub(crate) fn answer(status: &str, body: Vec<u8>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { start: format!("HTTP/1.1 {status}"), headers, body }
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Method and path of a request.
    pub(crate) fn target(&self) -> (&str, &str) {
        let mut words = self.start.split(' ');
        (words.next().unwrap_or_default(), words.next().unwrap_or_default())
    }

    /// The status of an answer.
    pub(crate) fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    /// Reads the next message; `None` if the other side has ended the connection.
    pub(crate) fn read(from: &mut impl BufRead) -> Result<Option<Self>> {
        let start = line(from)?;
        if start.is_empty() {
            return Ok(None);
        }
        let mut message = Self { start, headers: Vec::new(), body: Vec::new() };
        loop {
            let text = line(from)?;
            let Some((name, value)) = text.split_once(':') else { break };
            message.headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        if message.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            message.body = chunks(from)?;
        } else if let Some(length) = message.header("content-length") {
            let length = length.parse().map_err(|_| Error::from(ErrorKind::InvalidData))?;
            message.body = vec![0; length];
            from.read_exact(&mut message.body)?;
        }
        Ok(Some(message))
    }

    /// Writes the message, with the length of its body.
    pub(crate) fn write(&self, to: &mut impl Write) -> Result<()> {
        let mut bytes = format!("{}\r\n", self.start).into_bytes();
        let framing = ["content-length", "transfer-encoding"];
        for (name, value) in
            self.headers.iter().filter(|(name, _)| !framing.iter().any(|f| f.eq_ignore_ascii_case(name)))
        {
            bytes.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        bytes.extend(format!("content-length: {}\r\n\r\n", self.body.len()).into_bytes());
        bytes.extend(&self.body);
        to.write_all(&bytes)?;
        to.flush()
    }
}

/// A line without its end; empty at the end of the connection too.
fn line(from: &mut impl BufRead) -> Result<String> {
    let mut text = String::new();
    from.read_line(&mut text)?;
    Ok(text.trim_end().to_owned())
}

fn chunks(from: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = u64::from_str_radix(&line(from)?, 16).map_err(|_| Error::from(ErrorKind::InvalidData))?;
        from.by_ref().take(size).read_to_end(&mut body)?;
        line(from)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

/// A connection that is kept open for many calls.
#[derive(Debug)]
pub(crate) struct Connection {
    address: String,
    open: Option<BufReader<TcpStream>>,
}

impl Connection {
    /// To the host of `http://host:port/…`; opened with the first call.
    pub(crate) fn to(url: &str) -> Self {
        let address = url.trim_start_matches("http://").split('/').next().unwrap_or_default().to_owned();
        Self { address, open: None }
    }

    /// Sends a request and waits for the answer. Reconnects if the other side has closed the
    /// connection since the last call.
    pub(crate) fn call(&mut self, request: &Message) -> Result<Message> {
        if let Some(open) = &mut self.open
            && let Ok(Some(answer)) = exchange(open, request)
        {
            return Ok(answer);
        }
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        let mut new_id = BufReader::new(stream);
        let answer = exchange(&mut new_id, request)?.ok_or_else(|| Error::from(ErrorKind::UnexpectedEof))?;
        self.open = Some(new_id);
        Ok(answer)
    }
}

fn exchange(connection: &mut BufReader<TcpStream>, request: &Message) -> Result<Option<Message>> {
    request.write(connection.get_mut())?;
    Message::read(connection)
}

/// A server's handler of a connection; the connection is closed when it returns.
pub(crate) trait Serve: Send + Sync + 'static {
    /// Serves it to its end.
    fn serve(&self, connection: BufReader<TcpStream>) -> Result<()>;
}

/// Serves each connection in a thread of its own, for as long as the process lives.
pub(crate) fn listen(listener: TcpListener, server: Arc<impl Serve>) {
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let server = Arc::clone(&server);
            std::thread::spawn(move || {
                // A broken connection is the other side's concern.
                let _ = stream.set_nodelay(true).and_then(|()| server.serve(BufReader::new(stream)));
            });
        }
    });
}
