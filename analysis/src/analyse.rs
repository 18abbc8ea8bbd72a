//! Stub.
use crate::{Analysis, Text};
/// Analyses.
pub fn analyse(_text: &Text<'_>) -> Analysis { Analysis { language: "und".into(), code: None, skill_level: Default::default(), concepts: vec![], acronyms: vec![], vector: Default::default(), sketch: Default::default() } }
