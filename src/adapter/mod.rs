//! Between the cache and libraries that do not speak tower's HTTP by themselves.

pub mod reqwest;
