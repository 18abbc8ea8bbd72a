//! Stub.
#![allow(missing_docs)]
use events::concept::Category;
pub struct InCluster<'a> { pub name: &'a str, pub documents: u32, pub documents_overall: u32, pub category: Category }
pub struct Cluster<'a> { pub documents: u32, pub concepts: Vec<InCluster<'a>> }
pub fn names(c: &[Cluster<'_>], _t: u32) -> Vec<String> { vec!["Untitled cluster".into(); c.len()] }
