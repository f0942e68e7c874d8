//! The cache as a whole against a reading of the RFCs that knows nothing of its code: sequences of requests, answers and
//! time, made up at random, in which each answer has to be one that the model allows.
//!
//! `SEQUENCES=20000 cargo test --release --all-features --test it model` tries so many of each kind. What fails is shown
//! in its shortest form, and tried first from then on.

mod rfc;
mod world;

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use tower_swr_cache::{CacheHandle, SwrConfigBuilder};

use self::{
    rfc::{Fields, Means, Model, Now, Stored},
    world::{Asked, Step, steps},
};
use crate::support::{Answer, Cache, Origin, OriginError, Start, origin_says, request, route};

fn config() -> ProptestConfig {
    let cases = std::env::var("SEQUENCES").ok().and_then(|number| number.parse().ok()).unwrap_or(300);
    ProptestConfig { cases, max_shrink_iters: 4096, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_route_without_ttls_does_as_the_rfcs_say(steps in steps()) {
        run(origin_says(), None, &steps.0);
    }

    #[test]
    fn a_route_with_ttls_does_as_they_say_within_what_the_rfcs_forbid(steps in steps()) {
        run(route(10, 30), Some((10, 30)), &steps.0);
    }
}

fn run(config: SwrConfigBuilder, ttls: Option<(u64, u64)>, steps: &[Step]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(async {
        let mut world = World::new(config, ttls);
        for step in steps {
            world.step(step).await;
        }
    });
}

/// The cache, the model, and what went between the cache and its origin.
struct World {
    cache: Cache,
    model: Model,
    start: Start,
    now: u64,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// The last tag that the client saw.
    seen: Option<String>,
}

type Got = Result<Answer, OriginError>;

impl World {
    fn new(config: SwrConfigBuilder, ttls: Option<(u64, u64)>) -> Self {
        let (start, origin) = (Start::now(), Origin::counting());
        let clock = move || rfc::at(start.elapsed().as_secs());
        let handle = CacheHandle::builder().wall_clock(clock).build().unwrap();
        let cache = Cache::on(&handle, config.build().unwrap(), &origin);
        Self { cache, model: Model::new(ttls), start, now: 0, asked: Arc::default(), seen: None }
    }

    async fn step(&mut self, step: &Step) {
        self.pass(step.wait).await;
        let (asked, start, reply) = (Arc::clone(&self.asked), self.start, step.reply.clone());
        self.cache.origin.now(move |call| {
            let asked_now = reply.to(call, start.elapsed().as_secs());
            let given = asked_now.reply(reply.delay);
            asked.lock().unwrap().push(asked_now);
            given
        });
        let fields = step.request.fields();
        let condition = self.seen.clone().filter(|_| step.request.conditional);
        let mut sent = fields.iter().fold(request("/"), |sent, (name, value)| sent.header(*name, value));
        if let Some(tag) = &condition {
            sent = sent.header("if-none-match", tag);
        }
        let expected = self.model.now(&fields, self.now);
        let got = match self.cache.call(sent).await {
            Ok(response) => Ok(Answer::read(response).await),
            Err(error) => Err(error),
        };
        let answered = self.start.elapsed().as_secs();
        // What is asked behind the answer takes its time.
        self.now = answered;
        self.pass(step.reply.delay * 2).await;
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        let about = match &expected {
            Now::Fresh(stored) | Now::Stale(stored) => Some(stored.clone()),
            Now::Ask(stored) => stored.clone(),
        };
        let means = self.heard(&fields, about, &asked, step.reply.delay);
        let client = Client { condition: condition.as_deref(), now: answered };
        match expected {
            Now::Fresh(stored) => {
                assert!(asked.is_empty(), "a fresh response was asked about");
                client.has(&got, &stored);
            }
            Now::Stale(stored) => {
                assert!(!asked.is_empty() || stored.pauses, "a stale response was not refreshed");
                client.has(&got, &stored);
            }
            Now::Ask(_) => match means.expect("what is stored may not be served: the origin is asked") {
                Means::Own => client.is_given(&got, asked.last()),
                Means::New(stored) | Means::Confirmed(stored) => {
                    client.has_at_first_hand(&got, &stored, asked.last());
                }
                Means::Failed(Some(stored)) => {
                    client.has(&got, &stored);
                }
                Means::Failed(None) => client.is_given(&got, asked.last()),
                Means::Unrelated => panic!("it is asked again"),
            },
        }
        self.seen = got.ok().and_then(|got| got.header("etag").map(str::to_owned)).or(self.seen.take());
    }

    /// Lets time pass, and everything happen that is under way.
    async fn pass(&mut self, seconds: u64) {
        self.now += seconds;
        self.start.at(self.now as f64).await;
    }

    /// Tells the model what the cache asked and was answered; gives what the last answer means.
    fn heard(
        &mut self,
        request: &Fields,
        about: Option<Stored>,
        asked: &[Asked],
        delay: u64,
    ) -> Option<Means> {
        let (mut about, mut means) = (about, None);
        for asked in asked {
            assert!(!matches!(
                means,
                Some(Means::Own | Means::New(_) | Means::Confirmed(_) | Means::Failed(_))
            ));
            let validators = about.as_ref().map_or([None, None], Stored::validators);
            assert_eq!(asked.conditions(), validators, "the validators of what is stored, and no others");
            let times = [asked.at, asked.at + delay];
            means = Some(self.model.arrives(request, about.as_ref(), asked.answer.as_ref(), times));
            if matches!(means, Some(Means::Unrelated)) {
                about = None;
            }
        }
        means
    }
}

/// Who asked, and when the answer came.
struct Client<'a> {
    condition: Option<&'a str>,
    now: u64,
}

impl Client<'_> {
    /// Whether this is what is stored: its body, its fields, its age; or a 304 for it, if the client has it.
    fn has(&self, got: &Got, stored: &Stored) {
        self.has_with_age(got, stored, Some(stored.age(self.now)));
    }

    /// The same, made or confirmed for this very request: it has an age only if it came with one.
    fn has_at_first_hand(&self, got: &Got, stored: &Stored, asked: Option<&Asked>) {
        let answer = asked.and_then(|asked| asked.answer.as_ref());
        let aged = answer.is_some_and(|answer| answer.fields.contains_key("age"));
        self.has_with_age(got, stored, aged.then(|| stored.age(self.now)));
    }

    fn has_with_age(&self, got: &Got, stored: &Stored, age: Option<u64>) {
        let got = got.as_ref().unwrap();
        let etag = stored.response.fields.get("etag").map(|tag| tag.trim_start_matches("W/"));
        let has_it = etag.is_some() && self.condition.map(|tag| tag.trim_start_matches("W/")) == etag;
        let status = if has_it && stored.response.status == 200 { 304 } else { stored.response.status };
        assert_eq!(got.status, status);
        assert_eq!(got.header("age").map(|age| age.parse().unwrap()), age);
        for (name, value) in stored.response.fields.iter().filter(|(name, _)| **name != "age") {
            assert_eq!(got.header(name), Some(value.as_str()), "{name}");
        }
        assert_eq!(got.text(), if status == 304 { "" } else { &stored.response.fields["x-id"] });
    }

    /// Whether this is the origin's own answer to it.
    fn is_given(&self, got: &Got, asked: Option<&Asked>) {
        match (got, asked.unwrap().answer.as_ref()) {
            (Ok(got), Some(answer)) => {
                assert_eq!(got.status, answer.status);
                assert_eq!(got.text(), answer.fields["x-id"]);
            }
            (Err(OriginError), None) => {}
            (got, answer) => panic!("{got:?}, where the origin says {answer:?}"),
        }
    }
}
