//! Two parts of one content that become one (RFC 9111 §3.4).

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::{BodyBuilder, Content, Entry, Origin, RefreshState, StoredBody, Times};
use crate::{
    clock::Tick,
    policy::{extent::Extent, range, reuse::Reuse, validation},
    tag,
};

impl Entry {
    /// This part with what `old` has beyond it: a larger part, or the whole. `None` if they do not go together, or make more
    /// than `max_body` bytes.
    pub(crate) fn joined(&self, old: &Self, max_body: u64, now: Tick) -> Option<Self> {
        let joined = self.extent.as_ref()?.joined(old.extent.as_ref()?)?;
        let one_content = old.reuse(now) == Reuse::Fresh
            && old.selecting == self.selecting
            && old.origin.target == self.origin.target
            && Arc::ptr_eq(&old.origin.route, &self.origin.route)
            && validation::same_strong(old.headers.as_map(), self.headers.as_map());
        (one_content && joined.len() <= max_body).then(|| self.join(old, joined))?
    }

    /// The fields and the freshness are those of this part, the newer one; fields that only the old one has are kept. Where
    /// purges are concerned it is as old as the old one, so that nothing slips in that one of them has passed.
    fn join(&self, old: &Self, joined: Extent) -> Option<Self> {
        let content = Content { body: self.joined_body(old, &joined)?, trailers: None };
        let mut headers = old.fields_with(self.headers.without_slots());
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(joined.len()));
        let extent = (!joined.is_whole()).then_some(joined);
        match &extent {
            Some(Extent { bytes, whole }) => {
                headers.insert(header::CONTENT_RANGE, range::content_range(Some(bytes), *whole));
            }
            None => drop(headers.remove(header::CONTENT_RANGE)),
        }
        let Times { cached_at, cached_wall, hard_at, error_at, keep_until, .. } = self.times;
        let (new_origin, old_origin) = (&self.origin, &old.origin);
        Some(Self {
            status: if extent.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK },
            headers: self.headers.with_slots_for(&headers),
            content: OnceLock::from(content),
            times: Times::new(cached_at, cached_wall, self.times.soft_at(), hard_at, error_at, keep_until),
            born: self.born,
            stale_allowed: self.stale_allowed && old.stale_allowed,
            emergency: self.emergency && old.emergency,
            fresh_by: self.fresh_by,
            route_alone: self.route_alone || old.route_alone,
            for_authorized: self.for_authorized && old.for_authorized,
            final_uri: self.final_uri.clone(),
            selecting: self.selecting.clone(),
            search: self.search.clone(),
            immutable: self.immutable,
            extent: extent.map(Box::new),
            origin: Origin {
                number: new_origin.number.min(old_origin.number),
                route: Arc::clone(&new_origin.route),
                target: new_origin.target.clone(),
                tags: tag::union(&new_origin.tags, &old_origin.tags),
                groups: tag::union(&new_origin.groups, &old_origin.groups),
            },
            refresh: RefreshState::default(),
            hits: Default::default(),
        })
    }

    /// The fields of a newer part, and this one's of other names: a part may come without fields that the whole has.
    pub(crate) fn fields_with(&self, mut new: HeaderMap) -> HeaderMap {
        let old = self.headers.without_slots();
        let is_missing = |(name, _): &(&HeaderName, &HeaderValue)| !new.contains_key(*name);
        let missing = old.iter().filter(is_missing).map(|(name, value)| (name.clone(), value.clone()));
        let missing: Vec<_> = missing.collect();
        missing.into_iter().for_each(|(name, value)| _ = new.append(name, value));
        new
    }

    /// This part's bytes, and around them those of the old one that it has not; in memory of their own, since a slice of the
    /// old one's would keep all of that.
    fn joined_body(&self, old: &Self, joined: &Extent) -> Option<StoredBody> {
        let (new, old_bytes) = (&self.extent.as_ref()?.bytes, &old.extent.as_ref()?.bytes);
        let (body, old_body) = (&self.content.get()?.body, &old.content.get()?.body);
        let within_old = |byte: u64| byte.saturating_sub(old_bytes.start);
        let before = old_body.part(&(0..within_old(new.start)));
        let after = old_body.part(&(within_old(new.end)..old_body.len()));
        let mut builder = BodyBuilder::new(Some(joined.len()));
        for piece in [&before, body, &after].into_iter().flat_map(StoredBody::pieces) {
            builder.add(piece.clone(), drop);
        }
        Some(builder.finish())
    }
}

#[cfg(test)]
mod tests {
    use std::{ops::Range, time::Duration};

    use bytes::Bytes;

    use super::*;
    use crate::{
        entry::{RouteMark, StoredHeaders, Target},
        policy::vary::Selecting,
        tag::Tags,
    };

    const NOW: Tick = Tick::from_raw(1 << 50);
    const DIGITS: &[u8] = b"0123456789";

    fn part(route: &Arc<RouteMark>, number: u64, bytes: Range<usize>, tags: &[&str]) -> Entry {
        let origin = Origin {
            number,
            route: Arc::clone(route),
            target: Target::new("example.com", "/"),
            tags: tags.iter().map(|tag| Box::from(*tag)).collect(),
            groups: Tags::default(),
        };
        let entry = Entry::fixture(origin, Selecting::default(), 0, NOW);
        let mut entry = Arc::into_inner(entry).expect("one");
        let tag = (header::ETAG, HeaderValue::from_static("\"a\""));
        entry.headers = StoredHeaders::new(&HeaderMap::from_iter([tag]), None);
        entry.extent = Some(Box::new(Extent { bytes: bytes.start as u64..bytes.end as u64, whole: 10 }));
        let body = StoredBody::Whole(Bytes::from_static(&DIGITS[bytes]));
        entry.content = OnceLock::from(Content { body, trailers: None });
        entry
    }

    fn mark() -> Arc<RouteMark> {
        Arc::new(RouteMark::new("route", &[]))
    }

    fn bytes_of(entry: &Entry) -> Vec<u8> {
        entry.content.get().expect("a body").body.pieces().concat()
    }

    #[test]
    fn all_bytes_are_there_once_whichever_part_came_first() {
        let route = mark();
        for (one, other, expected) in [
            (0..4, 4..8, 0..8),
            (0..4, 2..8, 0..8),
            (2..8, 3..5, 2..8),
            (0..4, 4..10, 0..10),
            (0..9, 1..10, 0..10),
            (0..10, 0..10, 0..10),
        ] {
            let [one, other] = [one, other].map(|bytes| part(&route, 1, bytes, &[]));
            for (new, old) in [(&one, &other), (&other, &one)] {
                let joined = new.joined(old, 10, NOW).expect("they go together");
                assert_eq!(bytes_of(&joined), &DIGITS[expected.clone()]);
                assert_eq!(joined.extent.is_none(), expected.len() == 10, "{expected:?}");
                assert_eq!(joined.status == StatusCode::OK, expected.len() == 10, "{expected:?}");
            }
        }
    }

    #[test]
    fn what_holds_for_one_of_them_holds_for_both() {
        let route = mark();
        let (old, new) = (part(&route, 3, 0..4, &["x", "y"]), part(&route, 7, 4..8, &["y", "z"]));
        for (new, old) in [(&new, &old), (&old, &new)] {
            let joined = new.joined(old, 10, NOW).expect("they go together");
            assert_eq!(joined.origin.number, 3, "a purge that passed one of them passed both");
            let mut tags = joined.origin.tags.to_vec();
            tags.sort_unstable();
            assert_eq!(tags, ["x", "y", "z"].map(Box::from));
        }
        let strict = Entry { stale_allowed: false, ..part(&route, 1, 4..8, &[]) };
        let lax = Entry { for_authorized: true, ..part(&route, 1, 0..4, &[]) };
        for (new, old) in [(&strict, &lax), (&lax, &strict)] {
            let joined = new.joined(old, 10, NOW).expect("they go together");
            assert!(!joined.stale_allowed && !joined.for_authorized);
        }
    }

    #[test]
    fn parts_of_different_things_stay_apart() {
        let route = mark();
        let new = part(&route, 2, 4..8, &[]);
        let old = || part(&route, 1, 0..4, &[]);
        assert!(new.joined(&old(), 8, NOW).is_some());
        assert!(new.joined(&old(), 7, NOW).is_none(), "larger than what is kept");
        assert!(new.joined(&old(), 8, NOW.after(Duration::from_secs(60))).is_none(), "stale");
        assert!(new.joined(&part(&mark(), 1, 0..4, &[]), 8, NOW).is_none(), "of another route");
        assert!(new.joined(&part(&route, 1, 0..3, &[]), 8, NOW).is_none(), "with a gap");
        let mut elsewhere = old();
        elsewhere.origin.target = Target::new("example.com", "/?other");
        assert!(new.joined(&elsewhere, 8, NOW).is_none(), "of another URL under the same key");
        let mut longer = old();
        longer.extent = Some(Box::new(Extent { bytes: 0..4, whole: 11 }));
        assert!(new.joined(&longer, 8, NOW).is_none(), "of a longer whole");
        let untagged = Entry { headers: StoredHeaders::default(), ..old() };
        assert!(new.joined(&untagged, 8, NOW).is_none(), "without the validator");
    }
}
