//! As much of WebDriver (<https://www.w3.org/TR/webdriver2/>) as the tests need: JSON over HTTP.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
};

use serde_json::{Value, json};

use crate::browser::PATIENCE;

/// A driver that listens on a port of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WebDriver {
    pub(crate) port: u16,
}

impl WebDriver {
    /// The value that a command gives back, or what went wrong.
    pub(crate) fn command(self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost:{}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.port,
            body.len()
        );
        let answer =
            self.exchange(request.as_bytes()).map_err(|error| format!("{method} {path}: {error}"))?;
        let content = answer.split_once("\r\n\r\n").map_or("", |(_, content)| content);
        let answer: Value =
            serde_json::from_str(content).map_err(|error| format!("{method} {path}: {error}: {answer}"))?;
        match &answer["value"] {
            Value::Object(value) if value.contains_key("error") => Err(format!(
                "{method} {path}: {}: {}",
                value["error"].as_str().unwrap_or_default(),
                value["message"].as_str().unwrap_or_default()
            )),
            value => Ok(value.clone()),
        }
    }

    fn exchange(self, request: &[u8]) -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(request)?;
        let (mut answer, mut buffer) = (Vec::new(), [0; 16 << 10]);
        // The driver leaves the connection open.
        while !is_whole(&answer) {
            match stream.read(&mut buffer)? {
                0 => break,
                count => answer.extend_from_slice(&buffer[..count]),
            }
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Begins a session: a browser of its own.
    pub(crate) fn session(self, binary: &str, arguments: &[String]) -> Result<String, String> {
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": binary, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        }}});
        let session = self.command("POST", "/session", &capabilities)?;
        session["sessionId"].as_str().map(ToOwned::to_owned).ok_or_else(|| format!("no session: {session}"))
    }
}

/// Whether an answer has come to the end that its length says.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.is_some_and(|length| answer.len() >= end + 4 + length)
}
