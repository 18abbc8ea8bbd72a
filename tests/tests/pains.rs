//! What users of event-sourced systems suffer from most, a test for each theme under the theme's own name.
//!
//! Rebuilds are in `pains_of_rebuilds.rs`, subscriptions in `pains_of_subscriptions.rs`, versioning in `versioning.rs`. The
//! themes of commands are held elsewhere: append contention and command idempotency in `concurrency.rs`, stale snapshots
//! where tips are read (`command-service/src/tip.rs`).

use reqwest::Method;
use rustix::process::Signal;
use serde_json::json;
use std::collections::BTreeSet;
use tests::client::{send, shown};
use tests::crowd::Crowd;
use tests::knowledge::get;
use tests::parked::{failures, parked, stored_again};
use tests::rebuilding::sequence;
use tests::system::wait_for;
use tests::{Subscriber, System};
use uuid::Uuid;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");

/// *A projection that reads while others append misses events: numbers are given out before they are committed, and a
/// checkpoint passes over what is committed late; or a lost delivery is never asked for again.*
///
/// While writers of two workspaces append, the log forgets its consumers time and again. Each acknowledged command is one
/// event of the read models, and each subscriber is sent exactly those of its workspace, in order.
#[tokio::test]
async fn skipped_events() {
    let system = System::start(PROGRAM).await;
    let (ada, eve) = (system.client("ada").await, system.client("eve").await);
    let crowds = [Crowd::begin(&ada, 4), Crowd::begin(&eve, 4)];
    let mut subscribers = [Subscriber::open(&ada, "?after=0").await, Subscriber::open(&eve, "?after=0").await];
    let log = system.administrator().await.get_stream(runtime::event_log::STREAM).await.expect("the log is there");
    for _ in 0..4 {
        crowds[0].acknowledges(60).await;
        for consumer in consumers(&log).await {
            // One without a name may have gone by itself.
            drop(log.delete_consumer(&consumer).await);
        }
    }
    for (crowd, subscriber) in crowds.into_iter().zip(&mut subscribers) {
        let told = crowd.end_and_check().await;
        let sent = subscriber.up_to(told.last()).await;
        assert!(sent.iter().map(|message| message.id).eq(told.sequences), "what was sent is what was acknowledged");
    }
    system.finish_after_faults().await;
}

async fn consumers(log: &async_nats::jetstream::stream::Stream) -> Vec<String> {
    use futures_util::TryStreamExt;
    log.consumer_names().try_collect().await.expect("the log names its consumers")
}

/// *The view is changed and the event is not stored, or the checkpoint moves without the rows, so that a crash between the
/// two leaves them apart for ever.*
///
/// The database refuses at the very last moment, in the commit, when every row is written. Nothing of the batch is seen
/// until a commit succeeds, and then all of it, once; nor is anything seen apart while PostgreSQL is killed under load.
#[tokio::test]
async fn view_and_event_not_atomic() {
    let system = System::start_with(PROGRAM, &[("SYNCBOARD_WAIT_TIMEOUT", "1s")]).await;
    let ada = system.client("ada").await;
    let before = ada.upload("before", "text").await;
    ada.document(&before.id(), before.sequence()).await;
    // A sequence counts refusals, as nothing rolls it back.
    system
        .execute(
            "create sequence public.refusals;
             create function public.refuse() returns trigger language plpgsql as $$
             begin perform nextval('public.refusals'); raise 'refused' using errcode = 'internal_error'; end $$;
             create constraint trigger refuse after insert or update on read_model.workspace_statistics
             deferrable initially deferred for each row execute function public.refuse()",
        )
        .await;
    let database = system.database().await;
    let path = format!("/v1/documents/{}", before.id());
    let edited = ada.put(&format!("{path}/title"), &json!({ "title": "after" })).await.expect(200).sequence();
    let other = ada.upload("another", "text").await;
    let refused = "select last_value >= 3 from public.refusals";
    wait_for("commits were refused", async || {
        sqlx::query_scalar(refused).fetch_one(&database).await.expect("a sequence")
    })
    .await;
    assert_eq!(ada.get(&path).await.expect(200).json()["title"], "before");
    let early = ada.query(Method::GET, &format!("{path}?min_sequence={edited}"));
    send(early).await.expect_problem(503, "not_yet_visible");
    ada.get(&format!("/v1/documents/{}", other.id())).await.expect_problem(404, "document_not_found");
    assert_eq!(ada.get("/v1/statistics").await.expect(200).json()["events"], 1);
    system.execute("drop function public.refuse() cascade").await;
    assert_eq!(ada.document(&other.id(), other.sequence()).await["title"], "another");
    assert_eq!(ada.document(before.id().as_str(), edited).await["title"], "after");
    assert_eq!(get(&ada, "/v1/statistics", other.sequence()).await["events"], 3, "each event counts once");

    let eve = system.client("eve").await;
    let crowd = Crowd::begin(&eve, 4);
    let together = "select (select coalesce(sum(events), 0)::bigint from read_model.workspace_statistics)
                         - (select count(*) from read_model.document_history)";
    for _ in 0..2 {
        for _ in 0..40 {
            crowd.acknowledges(1).await;
            let apart: Result<i64, _> = sqlx::query_scalar(together).fetch_one(&database).await;
            assert_eq!(apart.expect("the database answers"), 0, "statistics count events that histories do not show");
        }
        system.replaced("postgres", Signal::KILL).await;
        // Connections of before are found dead at their next use.
        wait_for("the database answers", async || sqlx::query(together).execute(&database).await.is_ok()).await;
    }
    crowd.end_and_check().await;
    system.finish_after_faults().await;
}

/// *What was just written is not in what is read next; clients poll, or show an old answer as if it were new.*
///
/// A read with `min_sequence` shows the write or is answered 503, by every route, and an entity tag from before a write
/// never stands for what is there after it. A read that may be old says how old it is.
#[tokio::test]
async fn stale_reads() {
    let system = System::start_with(PROGRAM, &[("SYNCBOARD_WAIT_TIMEOUT", "1s")]).await;
    let ada = system.client("ada").await;
    let id = ada.upload("round 0", "text").await.id();
    let path = format!("/v1/documents/{id}");
    let routes = [path.clone(), format!("{path}/history"), "/v1/documents".to_owned(), "/v1/statistics".to_owned()];
    let mut tags = vec![String::new(); routes.len()];
    let retitle = async |round: u32| {
        let body = json!({ "title": format!("round {round}") });
        ada.put(&format!("{path}/title"), &body).await.expect(200).sequence()
    };
    for round in 1..=40 {
        let written = retitle(round).await;
        for (route, tag) in routes.iter().zip(&mut tags) {
            let request = ada.query(Method::GET, &format!("{route}?min_sequence={written}"));
            let answer = shown(request.header("If-None-Match", &*tag)).await.expect(200);
            answer.header("etag").expect("an entity tag").clone_into(tag);
            let shown = answer.json();
            assert!(
                answer.text.contains(&format!("round {round}")) || shown["events"] == round + 1,
                "{route}: {shown}"
            );
        }
    }
    let before = sequence(&ada.get(&path).await.expect(200).json());

    system.signal("projector", Signal::STOP);
    let written = retitle(41).await;
    for route in routes.iter().map(String::as_str).chain(["/v1/concepts", "/v1/clusters", "/v1/analytics"]) {
        let early = ada.query(Method::GET, &format!("{route}?min_sequence={written}"));
        let early = send(early).await.expect_problem(503, "not_yet_visible");
        assert!(early.header("retry-after").is_some(), "{route} says when to come again");
    }
    let old = ada.get(&path).await.expect(200);
    let shows: u64 =
        old.header("syncboard-sequence").and_then(|shown| shown.parse().ok()).expect("it says what it shows");
    assert!(old.sequence() == before && (before..written).contains(&shows), "{shows} is no honest word");
    system.signal("projector", Signal::CONT);
    assert_eq!(ada.document(&id, written).await["title"], "round 41", "who waits long enough is shown it");
    system.finish_after_faults().await;
}

/// *One event that cannot be applied stops every projection, or it is passed over and nobody hears of it.*
///
/// A newer program has written a version of an event that this one does not know. That event and the later ones of its
/// stream wait, in sight; the other documents of the workspace, other workspaces and subscribers go on.
#[tokio::test]
async fn poison_events() {
    let system = System::start(PROGRAM).await;
    let (ada, eve) = (system.client("ada").await, system.client("eve").await);
    let (poisoned, other) = (ada.upload("poisoned", "one").await, ada.upload("other", "two").await);
    let path = format!("/v1/documents/{}", poisoned.id());
    let retitled = ada.put(&format!("{path}/title"), &json!({ "title": "known" })).await.expect(200).sequence();
    let newer = stored_again(&system, retitled, |_, headers| {
        headers.insert(events::codec::header::TYPE, "syncboard.document.retitled.v900");
    })
    .await;
    ada.put(&format!("{path}/tags/behind"), &json!({})).await.expect(200);
    let edited = ada.put(&format!("/v1/documents/{}/title", other.id()), &json!({ "title": "goes on" })).await;
    let hers = eve.upload("of another workspace", "three").await;
    assert_eq!(ada.document(&other.id(), edited.expect(200).sequence()).await["title"], "goes on");
    assert_eq!(eve.document(&hers.id(), hers.sequence()).await["title"], "of another workspace");
    let held = ada.document(&poisoned.id(), hers.sequence()).await;
    assert_eq!((&held["title"], &held["tags"]), (&json!("known"), &json!([])), "nothing is made up, nothing overtakes");
    let mut subscriber = Subscriber::open(&eve, "?after=0").await;
    assert_eq!(subscriber.event().await.id, hers.sequence());

    system.caught_up().await;
    let (list, _) = failures(&system, &["list"]).await;
    assert_eq!(list.len(), 2, "one for each projection: {list:?}");
    for failure in &list {
        assert_eq!((&failure["sequence"], &failure["waiting"]), (&json!(newer), &json!(1)));
        assert!(failure["error"].as_str().is_some_and(|error| error.contains("900")), "it says why: {failure}");
    }
    for projection in ["documents", "knowledge"] {
        wait_for("both events wait", async || parked(&system, projection).await == 2).await;
    }
    system.finish_after_faults().await;
}

/// *What is delivered twice is counted twice: after a crash, after a lost acknowledgement, or when two instances work on
/// the same events.*
///
/// Three projectors run on one log, and whoever is at work is killed time and again before it has acknowledged what it
/// applied. Each event counts once.
#[tokio::test]
async fn double_processing() {
    let system = System::start(PROGRAM).await;
    let database = system.database().await;
    let beside = |_| system.another_projector(&["--batch-events", "3"]);
    let mut others: Vec<_> = (0..2).map(beside).collect();
    // Of so many workspaces each projector has some.
    let mut crowds = Vec::new();
    for n in 0..8 {
        crowds.push(Crowd::begin(&system.client(&format!("user{n}")).await, 1));
    }
    let mut at_work = BTreeSet::new();
    for round in 0..6 {
        // Whoever was killed last has lost its part to the others, and whoever came for it has one.
        wait_for("three are at work", async || {
            let now = holders(&database).await;
            let is_settled = now.len() == 3 && now != at_work;
            if is_settled {
                at_work = now;
            }
            is_settled
        })
        .await;
        for crowd in &crowds {
            crowd.acknowledges(6).await;
        }
        match others.get_mut(round % 3) {
            Some(other) => {
                other.kill().await.expect("it can be killed");
                *other = beside(round);
            }
            None => system.replaced("projector", Signal::KILL).await,
        }
    }
    for other in &mut others {
        other.kill().await.expect("it can be killed");
    }
    for crowd in crowds {
        crowd.end_and_check().await;
    }
    system.finish_after_faults().await;
}

/// Who holds a part of each projection.
async fn holders(database: &sqlx::PgPool) -> BTreeSet<Uuid> {
    let asked = "select owner from operations.lease where owner is not null
                 group by owner having count(distinct projection) = 2";
    sqlx::query_scalar(asked).fetch_all(database).await.expect("the database answers").into_iter().collect()
}
