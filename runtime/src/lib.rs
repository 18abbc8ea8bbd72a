//! The one place that touches the outside: configuration, the event log, Postgres, Redis, blobs, HTTP, health, telemetry.

pub mod announcement;
pub mod auth;
pub mod blobs;
pub mod build;
pub mod cache;
pub mod clock;
pub mod config;
pub mod event_log;
pub mod health;
pub mod http;
mod metrics;
pub mod migrations;
pub mod past;
pub mod postgres;
mod process;
pub mod ready;
mod rotation;
pub mod service;
mod slow;
pub mod telemetry;
#[cfg(test)]
mod testing;
pub mod traces;
pub mod watermarks;

pub use event_log::EventLog;
