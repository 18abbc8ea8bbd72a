//! What users of event-sourced systems suffer from when they rebuild, a test for each theme under the theme's own name.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tests::crowd::Crowd;
use tests::knowledge::get;
use tests::system::wait_for;
use tests::user::User;
use tests::{Client, Subscriber, System};

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");
/// Within what time a user's round of seven requests ends, whatever is going on beside it.
const ROUND: Duration = Duration::from_secs(30);

/// *A rebuild takes days, or ends with rows missing, as it counts what was committed late as read.*
///
/// A rebuild that runs while users append ends with every acknowledged event once, finds nothing that the serving tables
/// have otherwise, and catches up with them, or it would never end.
#[tokio::test]
async fn slow_or_wrong_rebuilds() {
    let system = System::start(PROGRAM).await;
    let (ada, eve) = (system.client("ada").await, system.client("eve").await);
    let crowds = [Crowd::begin(&ada, 4), Crowd::begin(&eve, 4)];
    crowds[0].acknowledges(500).await;
    for report in rebuild(&system, &["--projection", "documents"]).await {
        assert_eq!((&report["switched"], &report["differences"]), (&json!(true), &json!([])), "{report}");
    }
    for crowd in crowds {
        crowd.end_and_check().await;
    }
    system.finish().await;
}

/// *While tables are rebuilt, queries fail, wait or see half-filled tables; going back takes as long again.*
///
/// Users of two workspaces write and read, and a subscriber listens, while tables are rebuilt, gone back from and forth to:
/// every request is answered, in time, with what was written before it.
#[tokio::test]
async fn downtime_on_rebuild() {
    let system = System::start(PROGRAM).await;
    let (ada, eve) = (system.client("ada").await, system.client("eve").await);
    let mut subscriber = Subscriber::open(&eve, "?after=0").await;
    let users = [User::begin(&ada).await, User::begin(&eve).await];
    rebuild(&system, &[]).await;
    for _ in 0..2 {
        let rolled_back = system.projector(&["rollback"]).await;
        assert!(rolled_back.status.success(), "{}", String::from_utf8_lossy(&rolled_back.stderr));
    }
    for user in users {
        let slowest = user.end().await;
        assert!(slowest < ROUND, "a round took {slowest:?}");
    }
    let last = eve.upload("last", "text").await.sequence();
    let sent = subscriber.up_to(last).await;
    let statistics = get(&eve, "/v1/statistics", last).await;
    assert_eq!(statistics["events"], sent.len(), "a subscriber hears every event through all of it");
    system.finish().await;
}

/// *A rebuild of one tenant's views touches another's, or mixes what has the same id.*
///
/// Two workspaces have documents, tags, clusters and decisions of the same ids and names. Tables that are rebuilt show each
/// what it had and nothing else, and the repair of an id that both have mends the broken rows of the one and leaves the
/// other's alone.
#[tokio::test]
async fn tenancy_in_rebuilds() {
    let system = System::start(PROGRAM).await;
    let tenants = [system.client("ada").await, system.client("eve").await];
    let id = uuid::Uuid::from_u128(7).to_string();
    let mut before = Vec::new();
    for (tenant, name) in tenants.iter().zip(["ada", "eve"]) {
        let body = json!({ "title": format!("of {name}"), "text": format!("{name} writes"), "tags": ["shared", name] });
        tenant.put(&format!("/v1/documents/{id}"), &body).await.expect(201);
        tenant.post("/v1/clusters", &json!({ "name": format!("cluster of {name}") })).await.expect(201);
        let name = json!({ "name": format!("Meaning of {name}") });
        let last = tenant.put("/v1/concepts/meaning/name", &name).await.expect(200).sequence();
        before.push(answers(tenant, &id, last).await);
    }
    assert!(before[0] != before[1] && before[0].to_string().contains("of ada"));
    rebuild(&system, &[]).await;
    for (tenant, before) in tenants.iter().zip(&before) {
        assert_eq!(answers(tenant, &id, 0).await, *before, "the new tables show each what it had");
    }

    let breaks = "update read_model.document set title = 'wrong' where title = 'of ada';
                  update read_model.workspace_statistics set documents = 7
                  where workspace_id = (select workspace_id from read_model.document where title = 'wrong')";
    system.execute(breaks).await;
    let reports = rebuild(&system, &["--document", &id]).await;
    let repaired: BTreeSet<_> = reports.iter().map(|report| report["repaired"].to_string()).collect();
    assert!(repaired.len() == 2 && repaired.contains("[]"), "the other's rows needed nothing: {reports:?}");
    wait_for("the rows are mended", async || answers(&tenants[0], &id, 0).await == before[0]).await;
    assert_eq!(answers(&tenants[1], &id, 0).await, before[1]);
    system.finish().await;
}

/// What a tenant is shown of everything.
async fn answers(tenant: &Client, id: &str, min_sequence: u64) -> Value {
    let document = format!("/v1/documents/{id}");
    let routes = ["", "/history", "/knowledge"].map(|rest| format!("{document}{rest}"));
    let lists = ["/v1/documents", "/v1/statistics", "/v1/clusters", "/v1/concepts?min_documents=1", "/v1/analytics"];
    let mut answers = Vec::new();
    for route in routes.iter().map(String::as_str).chain(lists) {
        answers.push(get(tenant, route, min_sequence).await);
    }
    let content = tenant.get(&format!("{document}/content")).await.expect(200).text;
    json!({ "answers": answers, "content": content })
}

/// Rebuilds, and gives the reports.
async fn rebuild(system: &System, args: &[&str]) -> Vec<Value> {
    let output = system.projector(&[&["rebuild", "--json"], args].concat()).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let reports = String::from_utf8_lossy(&output.stdout).into_owned();
    reports.lines().map(|line| serde_json::from_str(line).expect("reports are JSON")).collect()
}
