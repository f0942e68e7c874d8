//! The oracle: what an origin has said, and whether an answer that a client got may be made of it.
//!
//! Each answer of the origin carries its [`Facts`]: whom it is for, when it was made, how long it is, and a hash over that,
//! in a header and as the body itself. Whoever asks puts a [`Question`] first and has the answer judged: against what was
//! asked, against what has been purged, and against how old it may be. What is wrong with it counts as one of the
//! [`Counts`], all of which stay at 0.
//!
//! It knows nothing of the cache but the limits that a route names, and believes no header of it: `Cache-Status` is used
//! to be stricter only, since what calls itself fresh has to be.

mod facts;
mod judge;
mod ledger;

pub(crate) use facts::{FACTS, Facts, Subject};
pub(crate) use judge::{Answer, End, Limits};
pub(crate) use ledger::{Call, Counts, Oracle, Scope};
