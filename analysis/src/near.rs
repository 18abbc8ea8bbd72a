//! Stub.
#![allow(missing_docs)]
use serde::{Deserialize, Serialize};
pub const NEAR: f32 = 0.8;
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sketch { x: Vec<u8> }
impl Sketch {
  pub fn of<'a>(_t: impl Iterator<Item=&'a str>) -> Self { Self::default() }
  pub fn bands(&self) -> Vec<i64> { Vec::new() }
  pub fn resemblance(&self, _o: &Self) -> f32 { 0.0 }
  pub fn to_bytes(&self) -> Vec<u8> { self.x.clone() }
  pub fn from_bytes(b: &[u8]) -> Option<Self> { Some(Self { x: b.to_vec() }) }
}
