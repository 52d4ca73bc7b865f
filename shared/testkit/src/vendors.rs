//! A loopback server that answers like WeChat's login and like Secrets Manager: a code
//! is its own openid, and every secret is there.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// Starts the server for the rest of the test; gives its base URL.
pub fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(|| answer(stream));
        }
    });
    format!("http://{address}")
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut chunk = [0; 4_096];
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&chunk[..read]);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let body = match request.split("js_code=").nth(1).and_then(|rest| rest.split(['&', ' ']).next()) {
        Some("used") => r#"{"errcode":40163,"errmsg":"code been used, rid: 1"}"#.to_owned(),
        Some("busy") => r#"{"errcode":-1,"errmsg":"system error"}"#.to_owned(),
        Some(code) => format!(r#"{{"openid":"{code}","session_key":"k"}}"#),
        None => r#"{"SecretString":"app-secret"}"#.to_owned(),
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}
