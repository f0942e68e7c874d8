//! An origin that answers with whatever bytes a test likes.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use super::{http::dechunked, process::PATIENCE};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// The request line and the fields, as they were on the wire.
    pub(crate) head: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn line(&self) -> String {
        String::from_utf8_lossy(&self.head).lines().next().unwrap_or_default().to_owned()
    }

    /// A field's value; empty if there is none.
    pub(crate) fn field(&self, name: &str) -> String {
        let head = String::from_utf8_lossy(&self.head).to_lowercase();
        let value = head.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
        value.unwrap_or_default().trim().to_owned()
    }
}

/// It lives as long as the test's process.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Origin {
    /// One answer a connection, which is closed after it.
    pub(crate) fn start(answer: impl Fn(&Received) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let (log, answer) = (Arc::clone(&received), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &log, &*answer));
            }
        });
        Self { address, received }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has arrived so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().expect("nobody panics with it").clone()
    }

    pub(crate) fn calls(&self) -> usize {
        self.received().len()
    }
}

/// A plain response, which says that the connection is closed: else a client might have sent its next request already.
pub(crate) fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Received>>, answer: &dyn Fn(&Received) -> Vec<u8>) {
    let Some(request) = read(&mut stream) else { return };
    log.lock().expect("nobody panics with it").push(request.clone());
    let _ = stream.write_all(&answer(&request));
}

fn read(stream: &mut TcpStream) -> Option<Received> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        if let Some(request) = complete(&bytes) {
            return Some(request);
        }
        match stream.read(&mut buffer) {
            Ok(count @ 1..) => bytes.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
}

fn complete(bytes: &[u8]) -> Option<Received> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let mut request = Received { head: bytes[..end].to_vec(), body: bytes[end + 4..].to_vec() };
    if request.field("transfer-encoding") == "chunked" {
        let (body, whole) = dechunked(&request.body);
        request.body = body;
        return whole.then_some(request);
    }
    let length = request.field("content-length").parse().unwrap_or(0);
    (request.body.len() >= length).then_some(request)
}
