//! A crash of the database may take back what it had shown: its last commits are not on disk yet, and are made once more.

use rustix::process::Signal;
use serde_json::json;
use tests::System;
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
        ada.get(&format!("/v1/statistics?min_sequence={written}")).await.expect(200);
        system.signal("postgres", Signal::KILL);
        // Until it is back, and for some time after, each answer is refused or true.
        let mut shown = 0;
        wait_for("reads are answered again", async || {
            let statistics = ada.get(&format!("/v1/statistics?min_sequence={written}")).await;
            if statistics.status == 200 {
                assert_eq!(statistics.json()["events"], round + 1, "round {round}: an event was taken back");
                let document = ada.get(&format!("{path}?min_sequence={written}")).await.expect(200).json();
                assert_eq!(document["title"], title["title"]);
                shown += 1;
            } else {
                assert_eq!(statistics.status, 503, "{}", statistics.text);
            }
            shown == 10
        })
        .await;
    }
    system.finish_after_faults().await;
}
