//! Events that cannot be applied: they and what follows them in their stream wait, everything else goes on, and nothing is
//! left out that nobody said to leave out.

use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use tests::client::send;
use tests::parked::{failures, parked, stored_again};
use tests::system::wait_for;
use tests::{Subscriber, System};

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");

#[tokio::test]
async fn what_the_tables_refuse_waits_and_everything_else_goes_on() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let (first, other) = (ada.upload("First", "one").await.id(), ada.upload("Other", "two").await.id());
    system.execute("alter table read_model.document add constraint refused check (title <> 'refused')").await;

    let title = |title: &str| json!({ "title": title });
    let refused = ada.put(&format!("/v1/documents/{first}/title"), &title("refused")).await.expect(200).sequence();
    ada.put(&format!("/v1/documents/{first}/tags/later"), &json!({})).await.expect(200);
    let edited = ada.put(&format!("/v1/documents/{other}/title"), &title("Edited")).await.expect(200).sequence();
    assert_eq!(ada.document(&other, edited).await["title"], "Edited", "another document is not held up");
    let waiting = ada.put(&format!("/v1/documents/{first}/tags/last"), &json!({})).await.expect(200).sequence();
    let document = ada.document(&first, waiting).await;
    assert_eq!((&document["title"], &document["tags"]), (&json!("First"), &json!([])), "nothing overtakes");

    let (list, is_well) = failures(&system, &["list"]).await;
    assert!(is_well);
    assert_eq!(list.len(), 1, "{list:?}");
    assert_eq!((&list[0]["sequence"], &list[0]["waiting"]), (&json!(refused), &json!(2)));
    assert_eq!(list[0]["projection"], "documents", "knowledge was not held up");
    assert!(list[0]["error"].as_str().is_some_and(|error| error.contains("refused")), "{list:?}");
    assert_eq!(parked(&system, "documents").await, 3);
    let sequence = refused.to_string();
    let (outcome, is_well) = failures(&system, &["retry", &sequence]).await;
    assert!(!is_well && outcome[0]["outcome"] == "0 events applied, 3 still wait", "{outcome:?}");
    let (_, is_well) = failures(&system, &["retry", &edited.to_string()]).await;
    assert!(!is_well, "what was applied is not parked");

    // Whoever reads the log again in tables without the constraint finds no failure; the projector finds the same ones.
    let system = system.restart().await;
    let ada = ada.moved(&system);
    wait_for("the projector knows what it has parked", async || parked(&system, "documents").await == 3).await;
    system.execute("alter table read_model.document drop constraint refused").await;
    let (outcome, is_well) = failures(&system, &["retry"]).await;
    assert!(is_well && outcome[0]["outcome"] == "applied: 3 events", "{outcome:?}");
    let document = ada.document(&first, waiting).await;
    assert_eq!((&document["title"], &document["tags"]), (&json!("refused"), &json!(["last", "later"])));
    assert_eq!(parked(&system, "documents").await, 0);
    let (shown, _) = failures(&system, &["show", &sequence]).await;
    let decisions = shown[0]["decisions"].as_array().expect("decisions");
    assert_eq!(decisions.len(), 2, "each decision is kept: {shown:?}");
    assert_eq!(shown[0]["message"]["body"].as_str().map(|body| body.contains("refused")), Some(true), "{shown:?}");
    system.finish_after_faults().await;
}

#[tokio::test]
async fn what_nobody_can_read_is_left_out_only_when_somebody_says_so() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let first = ada.upload("First", "one").await;
    let context = system.administrator().await;
    let stream = context.get_stream(runtime::event_log::STREAM).await.expect("the stream");
    let message = stream.direct_get(first.sequence()).await.expect("the upload");
    let published = context.publish(message.subject, "no event".into()).await.expect("it is sent");
    let unreadable = published.await.expect("it is stored").sequence;

    let other = ada.upload("Other", "two").await;
    assert_eq!(ada.document(&other.id(), other.sequence()).await["title"], "Other");
    system.caught_up().await;
    // Subscribers go on too: those behind, who read it from the log, and those in the ring.
    for query in ["?after=0", &format!("?after={}", first.sequence())] {
        let mut subscriber = Subscriber::open(&ada, query).await;
        let told = subscriber.up_to(other.sequence()).await;
        assert_eq!(told.last().map(|message| message.id), Some(other.sequence()));
    }
    let (list, _) = failures(&system, &["list"]).await;
    let of: Vec<&Value> = list.iter().map(|failure| &failure["projection"]).collect();
    assert_eq!(of, ["documents", "knowledge"], "{list:?}");
    assert!(list.iter().all(|failure| failure["sequence"] == unreadable && failure["waiting"] == 0), "{list:?}");
    let replay = system.projector(&["rebuild", "--check", "--json"]).await;
    assert!(replay.status.success(), "a rebuild parks the same: {}", String::from_utf8_lossy(&replay.stdout));

    let sequence = unreadable.to_string();
    let (_, is_well) = failures(&system, &["skip", &sequence]).await;
    assert!(!is_well, "a reason is needed");
    let (outcome, is_well) = failures(&system, &["skip", &sequence, "--reason", "sent by hand, no event"]).await;
    assert!(is_well && outcome.len() == 2, "{outcome:?}");
    assert!(failures(&system, &["list"]).await.0.is_empty());
    let (shown, _) = failures(&system, &["show", &sequence]).await;
    assert_eq!(shown[0]["decisions"][0]["reason"], "sent by hand, no event");
    // The end of the test replays: what was skipped is skipped again.
    system.finish_after_faults().await;
}

#[tokio::test]
async fn what_only_a_newer_program_knows_waits_for_it() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let uploaded = ada.upload("First", "one").await;
    // An aggregate of another kind, and what no version ever writes; nothing comes after them.
    let folder = |subject: &mut String, _: &mut _| *subject = subject.replace(".document.", ".folder.");
    let nothing = |subject: &mut String, _: &mut _| "syncboard.events.a.b.c.d".clone_into(subject);
    let sequences = [
        stored_again(&system, uploaded.sequence(), folder).await,
        stored_again(&system, uploaded.sequence(), nothing).await,
    ];
    ada.get(&format!("/v1/statistics?min_sequence={}", sequences[1])).await.expect(200);
    system.caught_up().await;
    for projection in ["documents", "knowledge"] {
        wait_for("both wait", async || parked(&system, projection).await == 2).await;
    }
    let (list, _) = failures(&system, &["list"]).await;
    let of_folder =
        |failure: &&Value| failure["error"].as_str().is_some_and(|error| error.contains("aggregate folder"));
    assert_eq!((list.len(), list.iter().filter(of_folder).count()), (4, 2), "{list:?}");
    let mut subscriber = Subscriber::open(&ada, "?after=0").await;
    assert_eq!(subscriber.event().await.id, uploaded.sequence());
    // Whoever reads up to the end of the log gets there.
    let rebuilt = system.projector(&["rebuild", "--projection", "documents"]).await;
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    let verified = system.projector(&["verify", "--log-only", "--json"]).await;
    let report = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(!verified.status.success() && report.contains("unknown aggregate folder"), "{report}");

    let (outcome, is_well) = failures(&system, &["retry", &sequences[0].to_string()]).await;
    assert!(!is_well && outcome.len() == 2, "this program is no newer: {outcome:?}");
    let (_, is_well) = failures(&system, &["skip", &sequences[1].to_string(), "--reason", "sent by hand"]).await;
    assert!(is_well);
    wait_for("the folder waits alone", async || parked(&system, "documents").await == 1).await;
    system.finish_after_faults().await;
}

#[tokio::test]
async fn of_a_large_batch_only_the_culprits_wait() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    ada.upload("Before", "text").await;
    system.caught_up().await;
    system.execute("alter table read_model.document add constraint refused check (title not like 'refused%')").await;

    // What comes while the projector stands still is one batch.
    system.signal("projector", Signal::STOP);
    let (mut culprits, mut others, mut last) = (Vec::new(), Vec::new(), 0);
    for n in 0..40 {
        let (title, of) = if n % 17 == 5 { ("refused", &mut culprits) } else { ("fine", &mut others) };
        let uploaded = ada.upload(&format!("{title} {n}"), "text").await;
        let tagged = ada.put(&format!("/v1/documents/{}/tags/{n}", uploaded.id()), &json!({})).await.expect(200);
        last = tagged.sequence();
        of.push((uploaded.id(), uploaded.sequence()));
    }
    system.signal("projector", Signal::CONT);
    let list = ada.get(&format!("/v1/documents?limit=200&min_sequence={last}")).await.expect(200).json();
    assert_eq!(list["documents"].as_array().map(Vec::len), Some(others.len() + 1));
    let (list, _) = failures(&system, &["list"]).await;
    let parked: Vec<Value> = list.iter().map(|failure| failure["sequence"].clone()).collect();
    assert_eq!(parked, culprits.iter().map(|(_, sequence)| json!(sequence)).collect::<Vec<_>>());
    assert!(list.iter().all(|failure| failure["waiting"] == 1), "{list:?}");

    system.execute("alter table read_model.document drop constraint refused").await;
    let (outcomes, is_well) = failures(&system, &["retry"]).await;
    assert!(is_well && outcomes.len() == culprits.len(), "{outcomes:?}");
    for (id, _) in culprits.iter().chain(&others) {
        assert_eq!(ada.document(id, last).await["tags"].as_array().map(Vec::len), Some(1));
    }
    system.finish_after_faults().await;
}

#[tokio::test]
async fn tables_that_come_back_try_again_what_they_have_parked() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let first = ada.upload("First", "one").await.id();
    system.execute("alter table read_model.document add constraint refused check (title <> 'refused')").await;
    ada.put(&format!("/v1/documents/{first}/title"), &json!({ "title": "refused" })).await.expect(200);
    let tagged = ada.put(&format!("/v1/documents/{first}/tags/later"), &json!({})).await.expect(200).sequence();
    assert_eq!(ada.document(&first, tagged).await["title"], "First");

    // New tables refuse nothing.
    let rebuilt = system.projector(&["rebuild", "--projection", "documents"]).await;
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    wait_for("nothing waits any more", async || parked(&system, "documents").await == 0).await;
    let last = ada.put(&format!("/v1/documents/{first}/tags/last"), &json!({})).await.expect(200).sequence();
    assert_eq!(ada.document(&first, last).await["title"], "refused");

    system.execute("alter table read_model_previous.document drop constraint refused").await;
    let rolled_back = system.projector(&["rollback", "--projection", "documents"]).await;
    assert!(rolled_back.status.success(), "{}", String::from_utf8_lossy(&rolled_back.stderr));
    let document = ada.document(&first, last).await;
    assert_eq!((&document["title"], &document["tags"]), (&json!("refused"), &json!(["last", "later"])));
    assert!(failures(&system, &["list"]).await.0.is_empty());
    system.finish_after_faults().await;
}

#[tokio::test]
async fn another_version_tries_again_what_was_parked_and_late_events_set_nothing_back() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let first = ada.upload("First", "one").await.id();
    system.execute("alter table read_model.document add constraint refused check (title <> 'refused')").await;
    let path = format!("/v1/documents/{first}");
    let refused = ada.put(&format!("{path}/title"), &json!({ "title": "refused" })).await.expect(200).sequence();
    ada.put(&format!("{path}/tags/later"), &json!({})).await.expect(200);
    let other = ada.upload("Other", "two").await;
    let last = other.sequence();
    let routes = ["/v1/documents", "/v1/statistics"];
    let mut before = Vec::new();
    for route in routes {
        before.push(ada.get(&format!("{route}?min_sequence={last}")).await.expect(200));
    }
    wait_for("both events wait", async || parked(&system, "documents").await == 2).await;
    system.execute("alter table read_model.document drop constraint refused").await;

    // The same version has no reason to think that it can do now what it could not.
    system.replaced("projector", Signal::KILL).await;
    let another = ada.put(&format!("/v1/documents/{}/tags/another", other.id()), &json!({})).await.expect(200);
    ada.document(&other.id(), another.sequence()).await;
    let (shown, _) = failures(&system, &["show", &refused.to_string()]).await;
    assert_eq!(shown[0]["decisions"], json!([]));
    for (route, before) in routes.iter().zip(&mut before) {
        *before = ada.get(route).await.expect(200);
    }

    system.execute("update read_model.parked_event set version = '0.0.1'").await;
    system.replaced("projector", Signal::KILL).await;
    wait_for("they are applied", async || ada.get(&path).await.json()["tags"] == json!(["later"])).await;
    assert_eq!(ada.get(&path).await.json()["title"], "refused");
    wait_for("nothing waits any more", async || failures(&system, &["list"]).await.0.is_empty()).await;
    let (shown, _) = failures(&system, &["show", &refused.to_string()]).await;
    let [decision] = &shown[0]["decisions"].as_array().expect("decisions")[..] else { panic!("{shown:?}") };
    assert_eq!((&decision["action"], &decision["outcome"]), (&json!("retry"), &json!("applied: 2 events")));
    assert_eq!(decision["decided_by"], concat!("projector ", env!("CARGO_PKG_VERSION")));

    // They came after later ones: what was answered before does not stand any more, and no time is set back.
    for (route, before) in routes.iter().zip(&before) {
        let tag = before.header("etag").expect("an entity tag");
        let now = send(ada.query(Method::GET, route).header("If-None-Match", tag)).await.expect(200).json();
        let before = before.json();
        assert_eq!(now["updated_at"], before["updated_at"], "{route}");
        assert_eq!(now["documents"][0]["updated_at"], before["documents"][0]["updated_at"], "{route}");
    }
    // The end of the test compares with a rebuild, in which nothing came late.
    system.finish_after_faults().await;
}
