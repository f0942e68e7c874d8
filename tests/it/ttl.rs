//! How long a stored response serves: each limit, who names it, and what does not move it.

use crate::support::{Cache, Origin, Start, rest, route};

#[tokio::test(start_paused = true)]
async fn fresh_then_stale_with_a_refresh_behind_it_then_fetched() {
    let cache = Cache::new(route(10, 30), &Origin::counting());
    let start = Start::now();
    let first = cache.get("/").await;
    assert_eq!((first.text(), &*first.said), ("1", "fwd=uri-miss; stored"));

    start.at(9.999).await;
    let fresh = cache.get("/").await;
    assert_eq!((fresh.text(), &*fresh.said, fresh.age()), ("1", "hit", 9));

    start.at(10.0).await;
    let stale = cache.get("/").await;
    assert_eq!((stale.text(), &*stale.said, stale.age()), ("1", "hit; detail=stale", 10));
    rest().await;
    assert_eq!(cache.origin.calls(), 2);
    let refreshed = cache.get("/").await;
    assert_eq!((refreshed.text(), &*refreshed.said, refreshed.age()), ("2", "hit", 0));

    start.at(40.0).await;
    let expired = cache.get("/").await;
    assert_eq!((expired.text(), &*expired.said), ("3", "fwd=stale; stored"));
    assert_eq!(cache.origin.calls(), 3);
}
