//! The command line.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};

use crate::app::Setup;

pub(crate) const HELP: &str = "\
An application with cached routes in front of a paid API.

Usage: demo [--once] [OPTIONS]

  --once                   play the story once, check every step, exit; the other options are for serving
  --listen ADDR            address and port to serve on; port 0 picks one [127.0.0.1:3000]
  --capacity SIZE          memory for the whole cache [64MiB]
  --token T                what unlocks the status page [demo]
  --no-recorder            install no recorder: there are no metrics
  --log-format text|json   what log lines on standard error look like [text]

SIZE is a whole number with B, KiB, MiB or GiB, or of bytes.
The environment variable RUST_LOG says what is logged, such as info or tower_swr_cache=debug [warn].
";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// A checked command line.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) once: bool,
    pub(crate) listen: SocketAddr,
    pub(crate) setup: Setup,
    pub(crate) log_format: LogFormat,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            once: false,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)),
            setup: Setup::default(),
            log_format: LogFormat::Text,
        }
    }
}

/// Reads the arguments after the program's name: `None` if they ask for help. An error is one line for the user.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Option<Options>, String> {
    let mut options = Options::default();
    let mut args = args.map(|arg| arg.to_string_lossy().into_owned());
    while let Some(arg) = args.next() {
        let (name, attached) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (arg.as_str(), None),
        };
        match (name, attached) {
            ("--help" | "-h", None) => return Ok(None),
            ("--once", None) => options.once = true,
            ("--no-recorder", None) => options.setup.recorder = false,
            ("--help" | "-h" | "--once" | "--no-recorder", Some(_)) => {
                return Err(format!("{name}: takes no value"));
            }
            ("--listen" | "--capacity" | "--token" | "--log-format", attached) => {
                let value = attached
                    .or_else(|| args.next())
                    .ok_or_else(|| format!("{name}: its value is missing"))?;
                set(&mut options, name, &value)
                    .map_err(|wanted| format!("{name} {}: not {wanted}", value.escape_debug()))?;
            }
            _ => return Err(format!("{}: unknown option (--help lists them)", name.escape_debug())),
        }
    }
    Ok(Some(options))
}

/// An error is what was wanted.
fn set(options: &mut Options, name: &str, value: &str) -> Result<(), &'static str> {
    match name {
        "--listen" => {
            options.listen = value.parse().map_err(|_| "an IP address and a port such as 127.0.0.1:3000")?;
        }
        "--capacity" => {
            options.setup.capacity = size(value).ok_or("a size such as 65536, 512KiB or 64MiB")?;
        }
        "--token" => options.setup.token = value.to_owned(),
        _ => {
            options.log_format = match value {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                _ => return Err("text or json"),
            };
        }
    }
    Ok(())
}

fn size(value: &str) -> Option<u64> {
    const UNITS: &[(&str, u64)] = &[("", 1), ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = value.split_at(digits);
    let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*scale)
}
