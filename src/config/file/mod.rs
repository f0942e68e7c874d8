//! Configurations read from a file: each field is a setter's name, and what is read is handed to the builder, which checks.

mod fields;
mod key;
mod routes;
mod values;

#[cfg(test)]
mod tests;

pub use routes::Routes;
