//! What the benches share.
// Each bench takes what it needs of it.
#![allow(dead_code, unreachable_pub, missing_docs, missing_debug_implementations)]

pub mod heap;
pub mod rounds;
pub mod stack;
