//! An origin whose answers say what they are, and a client that judges each: the oracle of `examples/chaos`.

use std::{future::Future, ops::Deref, time::Duration};

use http::{HeaderMap, request};
use tower::Service;
use tower_swr_cache::CacheFailure;

#[path = "../../../examples/chaos/oracle/mod.rs"]
mod chaos;

use self::chaos::{Counts, FACTS, Facts, Oracle, Subject};
pub(crate) use self::chaos::{End, Limits, Scope};
use super::{Answer, Cache, Call, Reply, ReqBody};

/// An oracle that has to have judged something, and found nothing wrong with it, when it is dropped.
#[derive(Debug)]
pub(crate) struct Judge(Oracle);

impl Judge {
    pub(crate) fn new() -> Self {
        Self(Oracle::new())
    }

    /// The origin's answer to a call.
    pub(crate) fn teller(&self) -> Teller {
        Teller(self.0.clone())
    }

    /// Asks, and judges the answer; the asking is now, and the rest when it is polled.
    pub(crate) fn ask(
        &self,
        cache: &Cache,
        limits: Limits,
        request: request::Builder,
    ) -> impl Future<Output = Answer> + Send + 'static + use<> {
        let (parts, body) = request.body(ReqBody::default()).unwrap().into_parts();
        let mut question = self.0.ask(&parts);
        let call = cache.service.clone().call(http::Request::from_parts(parts, body));
        async move {
            let Ok(response) = call.await else { return Answer::failed() };
            question.answered();
            let answer = Answer::read(response).await;
            let end = if answer.body_error.is_some() { End::Broken } else { End::Clean };
            let own = answer.extensions.get::<CacheFailure>().is_some();
            if !own {
                question.judge(
                    &limits,
                    &chaos::Answer {
                        status: answer.status,
                        headers: &answer.headers,
                        body: &answer.body,
                        end,
                    },
                );
            }
            answer
        }
    }
}

impl Deref for Judge {
    type Target = Oracle;

    fn deref(&self) -> &Oracle {
        &self.0
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let counts = self.0.counts();
        assert_ne!(counts.judged, 0);
        assert_eq!(counts, Counts { judged: counts.judged, ..Counts::default() }, "{:#?}", self.0.faults());
    }
}

/// Writes the origin's answers.
#[derive(Clone, Debug)]
pub(crate) struct Teller(Oracle);

impl Teller {
    /// A whole answer of this length, or a little more, whose head comes after this time.
    pub(crate) fn tells(&self, call: &Call, len: usize, after: Duration) -> Reply {
        let mut told = self.0.called(Subject::of(&call.parts), false);
        let now = told.facts(len);
        told.done();
        let facts = Facts::new(now.subject, now.version, now.born + after, len);
        let line = HeaderMap::from_iter([(FACTS, facts.line().try_into().unwrap())]);
        Reply::ok(facts.body()).after(after).headers(&line).header("etag", facts.etag())
    }

    /// A 304, if the call names the newest whole answer.
    pub(crate) fn confirms(&self, call: &Call) -> Option<Reply> {
        let named = Facts::named(&call.parts.headers)?;
        let told = self.0.called(Subject::of(&call.parts), false);
        let confirms = told.confirms(named);
        told.confirmed();
        confirms.then(|| Reply::status(304).header("etag", format!("\"v{named}\"")))
    }

    /// The call fails, in whatever way.
    pub(crate) fn fails(&self, call: &Call) {
        drop(self.0.called(Subject::of(&call.parts), false));
    }
}
