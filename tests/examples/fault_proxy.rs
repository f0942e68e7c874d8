//! A wire that is not to be trusted: it stands between two ends, and does to what the second one answers what it is told.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use super::process::PATIENCE;

/// What happens to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// All of it comes later.
    Delay(Duration),
    /// It comes byte by byte.
    Drip,
    /// It ends after so many bytes.
    Cut(usize),
    /// The connection is gone after so many bytes.
    Reset(usize),
    /// Nothing comes any more after so many bytes.
    BlackHole(usize),
    /// Something else comes after so many bytes.
    Garbage(usize),
}

/// Listens before `upstream`; `fault` says by the request's bytes what becomes of its answer.
pub(crate) fn start(
    upstream: SocketAddr,
    fault: impl Fn(&[u8]) -> Fault + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let fault = Arc::new(fault);
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let fault = Arc::clone(&fault);
            // Who breaks off has nothing more to say.
            thread::spawn(move || drop(serve(client, upstream, &*fault)));
        }
    });
    address
}

/// One request a connection: the answers say that the connection is closed.
fn serve(mut client: TcpStream, upstream: SocketAddr, fault: &dyn Fn(&[u8]) -> Fault) -> std::io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_nodelay(true)?;
    let mut buffer = [0; 4096];
    // Looked at and left where it is, for now.
    let request = loop {
        match client.peek(&mut buffer)? {
            0 => return Ok(()),
            count if buffer[..count].ends_with(b"\r\n\r\n") => break buffer[..count].to_vec(),
            _ => thread::sleep(Duration::from_millis(1)),
        }
    };
    let fault = fault(&request);
    let mut origin = TcpStream::connect(upstream)?;
    origin.write_all(&request)?;
    let mut answer = Vec::new();
    origin.read_to_end(&mut answer)?;
    let until = |at: usize| &answer[..at.min(answer.len())];
    if let Fault::Reset(at) = fault {
        // A socket that is closed while something in it is unread ends by a reset.
        return client.write_all(until(at));
    }
    client.read_exact(&mut buffer[..request.len()])?;
    match fault {
        Fault::None => client.write_all(&answer)?,
        Fault::Delay(span) => {
            thread::sleep(span);
            client.write_all(&answer)?;
        }
        Fault::Drip => answer.chunks(1).try_for_each(|byte| client.write_all(byte))?,
        Fault::Cut(at) | Fault::Reset(at) => client.write_all(until(at))?,
        Fault::BlackHole(at) => {
            client.write_all(until(at))?;
            // Until the other end has had enough.
            drop(client.read(&mut buffer));
        }
        Fault::Garbage(at) => {
            client.write_all(until(at))?;
            client.write_all(&[0xff, 0x00, b'\r', b'\n', b'\n', 0x16, 0x03])?;
        }
    }
    client.shutdown(Shutdown::Write)
}
