//! HTTP by hand, so that requests can be as odd as they like.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use super::process::PATIENCE;

/// A response, or as much of it as came.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the body came to the end that its length or its last chunk promised.
    pub(crate) whole: bool,
}

impl Response {
    /// All values of a field, joined; empty if there is none.
    pub(crate) fn field(&self, name: &str) -> String {
        let values = self.fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
        values.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The fields, as others read them.
    pub(crate) fn header_map(&self) -> ::http::HeaderMap {
        let fields =
            self.fields.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)));
        fields.collect()
    }

    pub(crate) fn cache_status(&self) -> String {
        self.field("cache-status")
    }

    /// Whether it says that it came from memory, fresh.
    pub(crate) fn is_hit(&self) -> bool {
        self.cache_status().ends_with("; hit")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// `GET path`, on a connection of its own.
pub(crate) fn get(address: SocketAddr, path: &str) -> Response {
    request(address, "GET", path, "", "")
}

/// A request with fields (each with its line end) and a body.
pub(crate) fn request(address: SocketAddr, method: &str, path: &str, fields: &str, body: &str) -> Response {
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: site.example\r\nconnection: close\r\n{length}{fields}\r\n"
    );
    send(address, (head + body).as_bytes()).unwrap_or_else(|| panic!("{method} {path}: no response"))
}

/// Sends these very bytes and reads what comes until the other end closes. `None` if it is no response.
pub(crate) fn send(address: SocketAddr, bytes: &[u8]) -> Option<Response> {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    // The other end may refuse and close before it has read everything.
    let _ = stream.write_all(bytes);
    let mut received = Vec::new();
    let mut buffer = [0; 16 << 10];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        received.extend_from_slice(&buffer[..count]);
    }
    parse(&received)
}

fn parse(received: &[u8]) -> Option<Response> {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
    let fields: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut response = Response { status, fields, body: received[end + 4..].to_vec(), whole: true };
    if response.field("transfer-encoding") == "chunked" {
        (response.body, response.whole) = dechunked(&response.body);
    } else if let Ok(length) = response.field("content-length").parse::<usize>() {
        response.whole = response.body.len() == length;
    }
    Some(response)
}

/// The data of the chunks, and whether the last one came.
pub(crate) fn dechunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut data = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else { return (data, false) };
        let size =
            std::str::from_utf8(&rest[..end]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        match size {
            Some(0) => return (data, true),
            Some(size) if rest.len() >= end + 2 + size + 2 => {
                data.extend_from_slice(&rest[end + 2..][..size]);
                rest = &rest[end + 2 + size + 2..];
            }
            _ => return (data, false),
        }
    }
}
