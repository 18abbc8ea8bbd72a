//! A crash of the database may take back what it had shown: its last commits are not on disk yet, and are made once more.

use rustix::process::Signal;
use serde_json::{Value, json};
use tests::System;
use tests::client::Answer;
use tests::system::wait_for;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");

#[tokio::test]
async fn what_was_shown_before_a_crash_of_the_database_is_not_unsaid_after_it() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let uploaded = ada.upload("Notes", "text").await;
    let path = format!("/v1/documents/{}", uploaded.id());
    for round in 1..=6 {
        let title = json!({ "title": format!("round {round}") });
        let written = ada.put(&format!("{path}/title"), &title).await.expect(200).sequence();
        let (statistics, document) =
            (format!("/v1/statistics?min_sequence={written}"), format!("{path}?min_sequence={written}"));
        wait_for("it is shown", async || ada.get(&statistics).await.status == 200).await;
        let before = system.pid("postgres");
        system.signal("postgres", Signal::KILL);
        // Until it is back, and for some time after, each answer is refused or true.
        let mut shown = 0;
        wait_for("reads are answered again", async || {
            let events = refused_or(ada.get(&statistics).await, "events");
            let now = refused_or(ada.get(&document).await, "title");
            assert!(events.as_ref().is_none_or(|events| *events == round + 1), "round {round}: {events:?} events");
            assert!(now.as_ref().is_none_or(|now| *now == title["title"]), "round {round}: {now:?}");
            shown += usize::from(events.is_some() && now.is_some() && system.pid("postgres") != before);
            shown == 10
        })
        .await;
    }
    system.finish_after_faults().await;
}

/// A field of an answer, if it was not refused as the database is away.
fn refused_or(answer: Answer, field: &str) -> Option<Value> {
    if answer.status == 503 {
        return None;
    }
    Some(answer.expect(200).json()[field].clone())
}
