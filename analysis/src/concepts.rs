//! Stub.
#![allow(missing_docs)]
use events::concept::Category;
use serde::{Deserialize, Serialize};
pub const MOST: usize = 20;
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Concept { pub key: String, pub name: String, pub category: Category, pub confidence: f32, pub occurrences: u32, pub places: Vec<Place> }
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place { pub start: u32, pub end: u32 }
pub fn key(name: &str) -> String { name.trim().to_lowercase() }
