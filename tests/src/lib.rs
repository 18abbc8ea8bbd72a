//! The harness of whole-system tests: a real system on private servers, a client for it, and the questions that every test
//! asks at its end.

pub mod chaos;
pub mod client;
pub mod collector;
pub mod crowd;
pub mod kept;
pub mod knowledge;
pub mod load;
pub mod model;
pub mod monitoring;
pub mod numbers;
pub mod parked;
pub mod past;
pub mod programs;
pub mod rebuilding;
pub mod settings;
pub mod subscriber;
pub mod system;
pub mod texts;
pub mod tools;
pub mod user;

pub use client::{Answer, Client};
pub use subscriber::Subscriber;
pub use system::System;
