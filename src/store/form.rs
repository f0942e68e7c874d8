//! A purge as it is written down: what an operator sends, and what one instance tells the others.

use serde::{Deserialize, Serialize};

use super::purge::{Purge, Scope};

/// Exactly one scope, and how it is purged.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PurgeForm {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// The host of a path in `url`, or of a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    authority: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    all: Option<bool>,
    #[serde(skip_serializing_if = "is_off")]
    soft: bool,
    /// Only to be counted, which is no purge.
    #[serde(skip_serializing)]
    pub(crate) dry_run: bool,
}

fn is_off(flag: &bool) -> bool {
    !flag
}

impl PurgeForm {
    /// The purge that it describes, whether it is to be carried out or not.
    pub(crate) fn purge(self) -> Result<Purge, String> {
        let Self { url, authority, key, tag, group, route, all, soft, dry_run: _ } = self;
        if authority.is_some() && url.is_none() && group.is_none() {
            return Err("authority: goes with url or group".to_owned());
        }
        let host = authority.map(|authority| authority.to_ascii_lowercase());
        let scopes = [
            url.map(|url| match host.clone() {
                // Any text that a response may name as its place, not only what could be asked for.
                Some(host) if url.starts_with(['/', '*']) => Ok(Purge::at(host, url)),
                Some(_) => Err("url: is a path where the authority stands beside it".to_owned()),
                None => Purge::url(&url).map_err(|error| error.to_string()),
            }),
            group.map(|name| match host.clone() {
                Some(host) => Ok(Purge::group(host, name)),
                None => Err("group: wants its authority".to_owned()),
            }),
            key.map(|key| {
                key.parse().map(Purge::key).map_err(|_| "key: is not the printable form of a key".to_owned())
            }),
            tag.map(|tag| Ok(Purge::tag(tag))),
            route.map(|route| Ok(Purge::route(route))),
            all.map(|all| if all { Ok(Purge::all()) } else { Err("all: is true or absent".to_owned()) }),
        ];
        let mut scopes = scopes.into_iter().flatten();
        let (Some(purge), None) = (scopes.next(), scopes.next()) else {
            return Err("exactly one of url, key, tag, group, route, all is wanted".to_owned());
        };
        purge.map(|purge| if soft { purge.soft() } else { purge })
    }
}

impl TryFrom<PurgeForm> for Purge {
    type Error = String;

    fn try_from(form: PurgeForm) -> Result<Self, String> {
        if form.dry_run {
            return Err("dry_run: is no purge".to_owned());
        }
        form.purge()
    }
}

impl From<Purge> for PurgeForm {
    fn from(Purge { scope, soft }: Purge) -> Self {
        let form = Self { soft, ..Self::default() };
        match scope {
            Scope::Key(key) => Self { key: Some(key.to_string()), ..form },
            Scope::Url { authority, path } => Self { url: Some(path), authority, ..form },
            Scope::Tag(tag) => Self { tag: Some(tag), ..form },
            Scope::Group { authority, name } => {
                Self { group: Some(name), authority: Some(authority), ..form }
            }
            Scope::Route(name) => Self { route: Some(name), ..form },
            Scope::All => Self { all: Some(true), ..form },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    #[test]
    fn a_purge_comes_out_of_its_json_as_it_went_in() {
        let url = |url| Purge::url(url).expect(url);
        let key: Key = "odds||a|/x?%7C".parse().expect("a key");
        for (purge, json) in [
            (Purge::tag("nba"), r#"{"tag":"nba"}"#),
            (Purge::tag("n\"ba").soft(), r#"{"tag":"n\"ba","soft":true}"#),
            (Purge::key(key), r#"{"key":"odds||a|/x?%7C"}"#),
            (url("/a?b"), r#"{"url":"/a?b"}"#),
            (url("http://A:80/a?b"), r#"{"url":"/a?b","authority":"a:80"}"#),
            (Purge::at("", "*"), r#"{"url":"*","authority":""}"#),
            (Purge::at("a", "/of no request"), r#"{"url":"/of no request","authority":"a"}"#),
            (Purge::group("a", "nba"), r#"{"authority":"a","group":"nba"}"#),
            (Purge::route("odds"), r#"{"route":"odds"}"#),
            (Purge::all().soft(), r#"{"all":true,"soft":true}"#),
        ] {
            assert_eq!(serde_json::to_string(&purge).expect("a purge"), json);
            assert_eq!(serde_json::from_str::<Purge>(json).expect(json), purge);
        }
    }

    #[test]
    fn what_does_not_say_what_to_purge_is_no_purge() {
        for (json, problem) in [
            ("{}", "exactly one"),
            (r#"{"tag":"a","all":true}"#, "exactly one"),
            (r#"{"all":false}"#, "all:"),
            (r#"{"all":true,"dry_run":true}"#, "dry_run:"),
            (r#"{"group":"a"}"#, "group:"),
            (r#"{"tag":"a","authority":"a"}"#, "authority:"),
            (r#"{"url":"http://a/","authority":"a"}"#, "url:"),
            (r#"{"key":"%"}"#, "key:"),
            (r#"{"tags":"a"}"#, "unknown field"),
        ] {
            let error = serde_json::from_str::<Purge>(json).expect_err(json).to_string();
            assert!(error.contains(problem), "{json}: {error}");
        }
    }
}
