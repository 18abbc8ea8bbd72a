//! After a failover an address may lead to what is a standby now: it is behind and takes no writes. No service believes it, and
//! everything is there when it is promoted.

use rustix::process::Signal;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tests::System;
use tests::system::wait_for;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");

#[tokio::test]
async fn a_standby_is_not_believed() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let list = "/v1/documents?limit=10";
    let bread = ada.upload("Bread", "Sourdough needs flour.").await;
    ada.get(&format!("{list}&min_sequence={}", bread.sequence())).await.expect(200);

    std::fs::write(system.data.join("postgres/standby.signal"), "").expect("the server's folder is there");
    system.signal("postgres", Signal::INT);
    wait_for("a standby answers", async || is_standby(&system).await == Some(true)).await;
    let starter = json!({ "title": "Starter", "text": "Sourdough needs patience." });
    let starter = ada.post("/v1/documents", &starter).await.expect(201);
    ada.get(list).await.expect_problem(503, "unavailable");
    wait_for("who needs the primary says so", async || !system.is_ready("query_url").await).await;

    system.execute("select pg_promote()").await;
    wait_for("the primary is found", async || system.is_ready("query_url").await).await;
    let found = ada.get(&format!("{list}&min_sequence={}", starter.sequence())).await.expect(200).json();
    assert_eq!(found["documents"].as_array().map(Vec::len), Some(2), "{found}");
    system.finish_after_faults().await;
}

async fn is_standby(system: &System) -> Option<bool> {
    let mut connection = PgConnection::connect(system.fact("database_url")).await.ok()?;
    sqlx::query_scalar("select pg_is_in_recovery()").fetch_one(&mut connection).await.ok()
}
