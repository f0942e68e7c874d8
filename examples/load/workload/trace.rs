//! A request log: seconds, method, target, status and bytes of the body, with tabs between them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use http::{Method, StatusCode, Uri};

use super::{Ask, Condition, Page, Workload};

/// One line.
struct Line<'a> {
    at: Duration,
    method: Method,
    target: &'a str,
    status: StatusCode,
    bytes: u64,
}

/// Reads a log; an error is one line for the user.
pub(crate) fn read(path: &Path) -> Result<Workload, String> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("--trace {name}: {error}"))?;
    let mut workload = Workload { title: format!("log {name}"), pages: Vec::new(), asks: Vec::new() };
    let mut known: HashMap<&str, usize> = HashMap::new();
    // Whether the log has said yet what the whole of a page is.
    let mut settled: Vec<bool> = Vec::new();
    for (index, text) in text.lines().enumerate() {
        if text.starts_with('#') || text.is_empty() {
            continue;
        }
        let wrong = |what: &str| format!("--trace {name}: line {}: {what}", index + 1);
        let line = line(text).map_err(wrong)?;
        if line.at < workload.span() {
            return Err(wrong("goes back in time"));
        }
        let page = match known.get(line.target) {
            Some(page) => *page,
            None => {
                let target = Uri::try_from(line.target).map_err(|_| wrong("the target is no URI"))?;
                workload.pages.push(Page { target, status: StatusCode::OK, size: 0 });
                settled.push(false);
                known.insert(line.target, settled.len() - 1);
                settled.len() - 1
            }
        };
        if !settled[page] {
            settle(&mut workload.pages[page], &mut settled[page], &line);
        }
        let condition = match line.status {
            StatusCode::NOT_MODIFIED => Condition::IfNoneMatch,
            StatusCode::PARTIAL_CONTENT => Condition::Range(line.bytes),
            _ => Condition::None,
        };
        workload.asks.push(Ask { at: line.at, method: line.method, page, condition });
    }
    if workload.asks.is_empty() { Err(format!("--trace {name}: no requests")) } else { Ok(workload) }
}

/// What a line says about the whole of its page. Parts and answers without a body say only how large it is at least.
fn settle(page: &mut Page, settled: &mut bool, line: &Line<'_>) {
    let about_request = matches!(
        line.status,
        StatusCode::NOT_MODIFIED | StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE
    );
    if about_request || line.status.is_server_error() || line.method != Method::GET {
        page.size = page.size.max(line.bytes);
    } else {
        (page.status, page.size) = (line.status, line.bytes);
        *settled = true;
    }
}

fn line(text: &str) -> Result<Line<'_>, &'static str> {
    let mut fields = text.split('\t');
    let mut next = || fields.next().ok_or("fewer than five fields");
    let (seconds, method, target, status, bytes) = (next()?, next()?, next()?, next()?, next()?);
    if fields.next().is_some() {
        return Err("more than five fields");
    }
    let seconds: f64 = seconds.parse().map_err(|_| "the time is no number of seconds")?;
    Ok(Line {
        at: Duration::try_from_secs_f64(seconds).map_err(|_| "the time is no number of seconds")?,
        method: method.parse().map_err(|_| "the method is none")?,
        target,
        status: status.parse().map_err(|_| "the status is none")?,
        bytes: bytes.parse().map_err(|_| "the bytes are no whole number")?,
    })
}
