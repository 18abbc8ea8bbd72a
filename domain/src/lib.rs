//! The rules: pure decisions over pure states. No clock, no randomness, no I/O, no async.

pub mod account;
pub mod aggregate;
pub mod cluster;
pub mod concept;
pub mod document;
#[cfg(test)]
mod testing;

pub use aggregate::Aggregate;
