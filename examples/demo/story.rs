//! The story, told once: each step asks, observes what came and what it cost, and compares that with what was told.
//!
//! Readers ask the router itself, without sockets, so that the latencies are those of the cache and the API.

use std::fmt::Write;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tower::ServiceExt;

use crate::api::{self, PaidApi};
use crate::app::{App, FAILURES, Setup, Times};
use crate::outcome::{Outcome, Tally};

const TIMES: Times = Times {
    soft: Duration::from_millis(1500),
    hard: Duration::from_secs(3),
    cooldown: Duration::from_secs(2),
};

/// How far a response serves while the API is down: half of the hard TTL longer, which is the default.
const LIMIT: Duration = Duration::from_millis(4500);

const NBA: &str = "/odds/nba?market=main";
const NFL: &str = "/odds/nfl?market=main";

/// Between two looks at what is about to change.
const LOOK: Duration = Duration::from_millis(20);

/// How long anything that has to happen may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Tells the story and prints its table; an error says which step did not happen as told.
pub(crate) async fn tell() -> Result<(), String> {
    let mut story = Story { app: app()?, table: String::new() };
    crate::say("playing the story, about ten seconds …\n\n");
    let told = story.play().await;
    let calls = story.app.api.calls();
    let price = PaidApi::price(calls);
    crate::say(&format!(
        "{:<47} {:>8} {:>9} {:>9} {:>9}  answers\n{}\n{calls} API calls, {price}\n",
        "step", "requests", "API calls", "p50", "max", story.table
    ));
    told
}

fn app() -> Result<App, String> {
    App::new(TIMES, &Setup::default()).map_err(|error| error.to_string())
}

/// What one reader got.
#[derive(Debug)]
struct Answer {
    asked: Instant,
    came: Instant,
    status: StatusCode,
    outcome: Option<Outcome>,
    body: String,
}

impl Answer {
    fn took(&self) -> Duration {
        self.came - self.asked
    }

    fn is(&self, outcome: Outcome) -> bool {
        self.outcome == Some(outcome)
    }
}

struct Story {
    app: App,
    table: String,
}

impl Story {
    async fn play(&mut self) -> Result<(), String> {
        self.cold_miss().await?;
        self.readers_at_once().await?;
        self.hits().await?;
        let (old, new) = self.stale_and_refresh().await?;
        self.down(&old, &new).await?;
        self.breaker_opens().await?;
        self.up_again().await?;
        self.purge().await
    }

    async fn cold_miss(&mut self) -> Result<(), String> {
        let before = self.app.api.calls();
        let answers = [ask(&self.app.router, NBA).await];
        let step = self.note("cold miss", before, &answers);
        step.calls(1)?;
        step.all(&answers, &[Outcome::Miss])
    }

    async fn readers_at_once(&mut self) -> Result<(), String> {
        let before = self.app.api.calls();
        let answers = at_once(&self.app.router, NFL, 1000).await;
        let step = self.note("1,000 readers at once, nothing stored", before, &answers);
        step.calls(1)?;
        // A reader who comes to ask only when the answer is stored has a hit.
        step.all(&answers, &[Outcome::Miss, Outcome::Collapsed, Outcome::Hit])?;
        let leaders = answers.iter().filter(|answer| answer.is(Outcome::Miss)).count();
        step.holds(leaders == 1, || format!("{leaders} readers fetched"))?;
        let same = answers.iter().all(|answer| answer.body == answers[0].body);
        step.holds(same, || "not everybody got the same".to_owned())
    }

    async fn hits(&mut self) -> Result<(), String> {
        let before = self.app.api.calls();
        let mut answers = Vec::new();
        for _ in 0..100 {
            answers.push(ask(&self.app.router, NFL).await);
        }
        let step = self.note("100 hits", before, &answers);
        step.calls(0)?;
        step.all(&answers, &[Outcome::Hit])
    }

    /// Past the soft TTL everybody is answered at once and one refresh runs. Gives the last answer of the old response
    /// and the first of the new one.
    async fn stale_and_refresh(&mut self) -> Result<(Answer, Answer), String> {
        sleep(TIMES.soft).await;
        let before = self.app.api.calls();
        let stale = at_once(&self.app.router, NFL, 100).await;
        let deadline = Instant::now() + PATIENCE;
        let mut old = ask(&self.app.router, NFL).await;
        let new = loop {
            let answer = ask(&self.app.router, NFL).await;
            if stale.iter().all(|stale| answer.body != stale.body) {
                break answer;
            }
            if Instant::now() > deadline {
                return Err("past the soft TTL, and no refresh came".to_owned());
            }
            old = answer;
            sleep(LOOK).await;
        };
        let step = self.note("past the soft TTL: stale, one refresh behind it", before, &stale);
        step.calls(1)?;
        step.all(&stale, &[Outcome::Stale])?;
        let mut took: Vec<_> = stale.iter().map(Answer::took).collect();
        took.sort_unstable();
        step.holds(took[took.len() / 2] < api::FASTEST, || "readers waited".to_owned())?;

        let step = self.note_calls("refreshed: another answer, fresh", 0, std::slice::from_ref(&new));
        step.all(std::slice::from_ref(&new), &[Outcome::Hit])?;
        Ok((old, new))
    }

    /// The API is down, and one reader keeps asking until there is an error. `old` is the last answer before what is
    /// stored now, `new` the first of it: it was stored between the two.
    async fn down(&mut self, old: &Answer, new: &Answer) -> Result<(), String> {
        self.post("/api/down").await?;
        let before = self.app.api.calls();
        let deadline = Instant::now() + PATIENCE;
        let mut spans: [(Vec<Answer>, u64); 3] = Default::default();
        while spans[2].0.is_empty() {
            if Instant::now() > deadline {
                return Err("the API is down: what is stored is served without end".to_owned());
            }
            let answer = ask(&self.app.router, NFL).await;
            let span = match answer.outcome {
                Some(Outcome::Hit | Outcome::Stale) => 0,
                Some(Outcome::StaleError) => 1,
                _ => 2,
            };
            spans[span].1 = self.app.api.calls();
            spans[span].0.push(answer);
            sleep(LOOK).await;
        }
        let [(hard, hard_calls), (extended, extended_calls), (over, over_calls)] = spans;

        let step = self.note_calls("API down: stale, to the hard TTL", hard_calls - before, &hard);
        step.all(&hard, &[Outcome::Hit, Outcome::Stale])?;
        step.holds(hard.iter().any(|answer| answer.is(Outcome::Stale)), || "nothing was stale".to_owned())?;
        step.holds(served_to(&hard, TIMES.hard, new), || "served past it".to_owned())?;
        step.holds(unchanged(&hard, new), || "something else was served".to_owned())?;

        let calls = extended_calls.saturating_sub(hard_calls);
        let step = self.note_calls("API down: stale_error, to 1.5 × the hard TTL", calls, &extended);
        step.all(&extended, &[Outcome::StaleError])?;
        step.holds(!extended.is_empty(), || "nothing was served".to_owned())?;
        step.holds(served_to(&extended, LIMIT, new), || "served past it".to_owned())?;
        step.holds(unchanged(&extended, new), || "something else was served".to_owned())?;

        let calls = over_calls - extended_calls.max(hard_calls);
        let step = self.note_calls("API down: after that an error", calls, &over);
        let [error] = &over[..] else { return step.holds(false, || "no error".to_owned()) };
        step.holds(error.is(Outcome::Failed) && error.status == StatusCode::SERVICE_UNAVAILABLE, || {
            format!("{} came", error.status)
        })?;
        step.holds(error.came - old.asked >= LIMIT, || "it came too early".to_owned())?;
        step.calls(1)?;

        let calls = over_calls - before;
        step.holds(calls <= 6, || format!("{calls} calls while the API was down"))
    }

    /// Failures in a row open the breaker, whatever they were asked for; from then on nobody waits for the API.
    async fn breaker_opens(&mut self) -> Result<(), String> {
        let before = self.app.api.calls();
        let mut failed = Vec::new();
        let rejected = loop {
            let answer = ask(&self.app.router, &format!("/odds/game-{}", failed.len())).await;
            if answer.is(Outcome::Rejected) || failed.len() as u32 >= FAILURES {
                break answer;
            }
            failed.push(answer);
        };
        let step = self.note("API down: failures open the breaker", before, &failed);
        step.calls(failed.len() as u64)?;
        step.holds(failed.iter().all(|answer| answer.is(Outcome::Failed)), || "no failure".to_owned())?;
        step.holds(rejected.is(Outcome::Rejected), || "it is not open".to_owned())?;

        let before = self.app.api.calls();
        let answers = at_once(&self.app.router, NFL, 1000).await;
        let step = self.note("breaker open: 1,000 readers, no call", before, &answers);
        step.calls(0)?;
        step.holds(answers.iter().all(|answer| answer.is(Outcome::Rejected)), || {
            "not all rejected".to_owned()
        })
    }

    async fn up_again(&mut self) -> Result<(), String> {
        self.post("/api/up").await?;
        let before = self.app.api.calls();
        let deadline = Instant::now() + PATIENCE;
        let mut answers = Vec::new();
        while answers.last().is_none_or(|answer: &Answer| answer.is(Outcome::Rejected)) {
            if Instant::now() > deadline {
                return Err("the API is up, and the breaker stays open".to_owned());
            }
            sleep(LOOK).await;
            answers.push(ask(&self.app.router, NFL).await);
        }
        let step = self.note("API up: the probe closes the breaker", before, &answers);
        step.calls(1)?;
        step.all(&answers[answers.len() - 1..], &[Outcome::Miss])?;

        let before = self.app.api.calls();
        let answers = [ask(&self.app.router, NBA).await];
        let step = self.note("API up: the next reader fetches", before, &answers);
        step.calls(1)?;
        step.all(&answers, &[Outcome::Miss])
    }

    async fn purge(&mut self) -> Result<(), String> {
        let purged = self.post("/purge/nba").await?;
        let before = self.app.api.calls();
        let kept = [ask(&self.app.router, NFL).await];
        let step = self.note("tag nba purged: nfl stays", before, &kept);
        step.holds(purged == "1 purged\n", || format!("the purge said {purged:?}"))?;
        step.all(&kept, &[Outcome::Hit, Outcome::Stale])?;

        let before = self.app.api.calls();
        let fetched = [ask(&self.app.router, NBA).await];
        let step = self.note("tag nba purged: its next reader fetches", before, &fetched);
        step.calls(1)?;
        step.all(&fetched, &[Outcome::Miss])
    }

    async fn post(&self, path: &str) -> Result<String, String> {
        let answer = exchange(&self.app.router, Method::POST, path).await;
        if answer.status.is_success() { Ok(answer.body) } else { Err(format!("{path}: {}", answer.status)) }
    }

    /// Writes a step into the table.
    fn note(&mut self, name: &'static str, before: u64, answers: &[Answer]) -> Step {
        let calls = self.app.api.calls() - before;
        self.note_calls(name, calls, answers)
    }

    fn note_calls(&mut self, name: &'static str, calls: u64, answers: &[Answer]) -> Step {
        let tally = Tally::default();
        answers.iter().filter_map(|answer| answer.outcome).for_each(|outcome| tally.add(outcome));
        let mut took: Vec<Duration> = answers.iter().map(Answer::took).collect();
        took.sort_unstable();
        let p50 = took.get(took.len() / 2).copied().unwrap_or_default();
        let max = took.last().copied().unwrap_or_default();
        let _ = writeln!(
            self.table,
            "{name:<47} {:>8} {calls:>9} {:>9} {:>9}  {}",
            answers.len(),
            shown(p50),
            shown(max),
            tally.words()
        );
        Step { name, calls }
    }
}

/// A step of the story, for saying what is wrong with it.
struct Step {
    name: &'static str,
    calls: u64,
}

impl Step {
    fn holds(&self, holds: bool, else_what: impl FnOnce() -> String) -> Result<(), String> {
        if holds { Ok(()) } else { Err(format!("not as told: {}: {}", self.name, else_what())) }
    }

    fn calls(&self, told: u64) -> Result<(), String> {
        self.holds(self.calls == told, || format!("{} API calls instead of {told}", self.calls))
    }

    /// Every answer has one of these outcomes and, since none of them is a failure, status 200.
    fn all(&self, answers: &[Answer], outcomes: &[Outcome]) -> Result<(), String> {
        let other = answers.iter().find(|answer| {
            answer.status != StatusCode::OK
                || !answer.outcome.is_some_and(|outcome| outcomes.contains(&outcome))
        });
        self.holds(other.is_none(), || {
            let came =
                other.map(|answer| (answer.status, answer.outcome.map_or("no outcome", Outcome::as_str)));
            format!("{came:?} came")
        })
    }
}

/// Whether each was asked for before the stored response was `limit` old; it is at least as old as its first answer.
fn served_to(answers: &[Answer], limit: Duration, first: &Answer) -> bool {
    answers.iter().all(|answer| answer.asked.saturating_duration_since(first.came) < limit)
}

fn unchanged(answers: &[Answer], first: &Answer) -> bool {
    answers.iter().all(|answer| answer.body == first.body)
}

async fn at_once(router: &Router, path: &'static str, readers: usize) -> Vec<Answer> {
    let mut tasks = JoinSet::new();
    for _ in 0..readers {
        let router = router.clone();
        tasks.spawn(async move { ask(&router, path).await });
    }
    tasks.join_all().await
}

async fn ask(router: &Router, path: &str) -> Answer {
    exchange(router, Method::GET, path).await
}

async fn exchange(router: &Router, method: Method, path: &str) -> Answer {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap_or_default();
    let router = router.clone();
    let asked = Instant::now();
    let response = match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (head, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await;
    let came = Instant::now();
    let body =
        body.map_or_else(|error| error.to_string(), |body| String::from_utf8_lossy(&body).into_owned());
    Answer { asked, came, status: head.status, outcome: Outcome::of(&head.headers), body }
}

/// In three digits or so.
fn shown(took: Duration) -> String {
    match took.as_micros() {
        micros @ ..1000 => format!("{micros} µs"),
        micros @ ..10_000 => format!("{:.1} ms", micros as f64 / 1000.0),
        micros => format!("{} ms", micros / 1000),
    }
}
