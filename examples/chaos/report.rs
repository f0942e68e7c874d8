//! A campaign's figures, each with the limit that it has to keep.

use std::fmt::Write;

#[derive(Debug, Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    what: String,
    figure: f64,
    unit: &'static str,
    limit: Limit,
}

#[derive(Clone, Copy, Debug)]
enum Limit {
    None,
    AtMost(f64),
    AtLeast(f64),
}

impl Report {
    /// A figure that has no limit.
    pub(crate) fn note(&mut self, what: impl Into<String>, figure: f64, unit: &'static str) {
        self.line(what.into(), figure, unit, Limit::None);
    }

    pub(crate) fn at_most(&mut self, what: impl Into<String>, figure: f64, unit: &'static str, most: f64) {
        self.line(what.into(), figure, unit, Limit::AtMost(most));
    }

    pub(crate) fn at_least(&mut self, what: impl Into<String>, figure: f64, unit: &'static str, least: f64) {
        self.line(what.into(), figure, unit, Limit::AtLeast(least));
    }

    /// A count of what must not happen.
    pub(crate) fn none(&mut self, what: impl Into<String>, count: u64) {
        self.at_most(what, count as f64, "", 0.0);
    }

    fn line(&mut self, what: String, figure: f64, unit: &'static str, limit: Limit) {
        self.lines.push(Line { what, figure, unit, limit });
    }

    pub(crate) fn broken(&self) -> usize {
        self.lines.iter().filter(|line| !line.is_kept()).count()
    }

    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        for line in &self.lines {
            let limit = match line.limit {
                Limit::None => String::new(),
                Limit::AtMost(most) => format!("at most {}", number(most)),
                Limit::AtLeast(least) => format!("at least {}", number(least)),
            };
            let broken = if line.is_kept() { "" } else { "  BROKEN" };
            let figure = format!("{} {}", number(line.figure), line.unit);
            let text = format!("  {:<52} {figure:<16} {limit}{broken}", line.what);
            let _ = writeln!(out, "{}", text.trim_end());
        }
        out.push('\n');
        out
    }
}

impl Line {
    fn is_kept(&self) -> bool {
        match self.limit {
            Limit::None => true,
            Limit::AtMost(most) => self.figure <= most,
            Limit::AtLeast(least) => self.figure >= least,
        }
    }
}

fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}
