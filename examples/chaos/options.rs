//! The command line: which campaigns, and how large.

use std::ffi::OsString;
use std::fmt::Write;
use std::num::NonZeroU64;

use crate::campaign::{CAMPAIGNS, Campaign};

/// A checked command line.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) campaigns: Vec<&'static Campaign>,
    pub(crate) seed: u64,
    /// A part of the full size.
    pub(crate) scale: f64,
    pub(crate) minutes: NonZeroU64,
}

impl Options {
    /// As many as this part of the full size is, and at least one.
    pub(crate) fn scaled(&self, full: usize) -> usize {
        ((full as f64 * self.scale) as usize).max(1)
    }
}

const MINUTES: NonZeroU64 = NonZeroU64::new(4).expect("is not 0");

type Set = fn(&mut Options, &str) -> Result<(), &'static str>;

/// Name, what its value is called, help, and what it does.
struct Row(&'static str, &'static str, &'static str, Set);

const TABLE: &[Row] = &[
    Row("--seed", "N", "what all random numbers start from [1]", |o, v| {
        o.seed = v.parse().map_err(|_| "a whole number")?;
        Ok(())
    }),
    Row("--scale", "PART", "a part of the full size, from 0.001 [1]", |o, v| {
        let scale = v.parse().ok().filter(|part| (0.001..=1000.0).contains(part));
        o.scale = scale.ok_or("a number from 0.001 to 1000")?;
        Ok(())
    }),
    Row("--minutes", "N", "soak: how long it measures, after 4 minutes that warm up [4]", |o, v| {
        o.minutes = v.parse().map_err(|_| "a whole number from 1")?;
        Ok(())
    }),
];

/// Reads the arguments after the program's name: `None` if they ask for help. An error is one line for the user.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Option<Options>, String> {
    let mut options = Options { campaigns: Vec::new(), seed: 1, scale: 1.0, minutes: MINUTES };
    let mut args = args.map(|arg| match arg.into_string() {
        Ok(arg) => Ok(arg),
        Err(arg) => Err(format!("{}: not valid UTF-8", arg.to_string_lossy().escape_debug())),
    });
    while let Some(arg) = args.next().transpose()? {
        if matches!(&*arg, "--help" | "-h") {
            return Ok(None);
        }
        if !arg.starts_with('-') {
            let before = options.campaigns.len();
            options.campaigns.extend(CAMPAIGNS.iter().filter(|known| arg == known.name || arg == "all"));
            if options.campaigns.len() == before {
                return Err(format!("{}: no campaign (--help lists them)", arg.escape_debug()));
            }
            continue;
        }
        let (name, attached) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (arg.as_str(), None),
        };
        let Some(Row(name, placeholder, _, set)) = TABLE.iter().find(|row| row.0 == name) else {
            return Err(format!("{}: unknown option (--help lists them)", name.escape_debug()));
        };
        let value = match attached {
            Some(value) => value,
            None => args.next().transpose()?.ok_or_else(|| format!("{name}: {placeholder} is missing"))?,
        };
        set(&mut options, &value)
            .map_err(|wanted| format!("{name} {}: not {wanted}", value.escape_debug()))?;
    }
    if options.campaigns.is_empty() {
        return Err("which campaign? (--help lists them)".to_owned());
    }
    Ok(Some(options))
}

/// The text of `--help`.
pub(crate) fn help() -> String {
    let mut out = format!(
        "Breaks things around the cache, and says by figures what has come of it.\n\n\
         Usage: {} CAMPAIGN... [OPTIONS]\n\n\
         Campaigns, or \"all\":\n",
        super::NAME
    );
    for campaign in CAMPAIGNS {
        let _ = writeln!(out, "  {:<14} {}", campaign.name, campaign.about);
    }
    out.push_str("\nOptions:\n");
    for Row(name, placeholder, help, _) in TABLE {
        let option = format!("{name} {placeholder}");
        let _ = writeln!(out, "  {option:<14} {help}");
    }
    out.push_str("\nThe exit status is 1 when a figure has passed its limit.\n");
    out
}
