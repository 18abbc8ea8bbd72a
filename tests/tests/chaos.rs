//! Kill -9 of every part while 64 clients write: nothing acknowledged is lost, nothing is there twice or half.

use std::time::Duration;
use tests::chaos::{Plan, run};

#[tokio::test]
async fn nothing_acknowledged_is_lost_whatever_is_killed() {
    let plan = Plan { kills: 12, recovery: Duration::from_secs(60), seed: 42, clients: 64 };
    println!("{}", run(env!("CARGO_BIN_EXE_system").as_ref(), plan).await);
}
