//! What was counted against what the system holds: the figures are of real work, or of nothing.

use super::profiles::Plan;
use super::record::{Record, Step};
use super::target::Target;
use serde::Serialize;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How long the read models may need for what was written last.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(200);

/// Documents and events of a run.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Truth {
    /// Uploads that were acknowledged.
    pub uploads: u64,
    /// Edits that were acknowledged.
    pub edits: u64,
    /// Commands that failed, of which nobody knows.
    pub failed: u64,
    /// Documents that the system shows.
    pub documents: u64,
    /// Events that it shows.
    pub events: u64,
}

impl Truth {
    /// Whether the system shows everything that was acknowledged, and nothing else.
    pub fn is_right(&self) -> bool {
        let is_within = |shown: u64, told: u64| (told..=told + self.failed).contains(&shown);
        is_within(self.documents, self.uploads) && is_within(self.events, self.uploads + self.edits)
    }
}

/// Asks every account of a run how much it has, until that is what was told or the time for it is over.
///
/// # Panics
/// If the system does not answer.
pub async fn count(target: &Target, plan: &Plan, record: &Record) -> Truth {
    let clients = target.clients(plan).await;
    let is_command = |step| matches!(step, Step::Upload | Step::Edit);
    let failed = record.figures(is_command).map_or(0, |figures| figures.failed as u64);
    let (uploads, edits) = (record.succeeded(Step::Upload), record.succeeded(Step::Edit));
    let begun = Instant::now();
    loop {
        let mut truth = Truth { uploads, edits, failed, documents: 0, events: 0 };
        for (_, client) in &clients {
            let statistics = client.get("/v1/statistics").await.expect(200).json();
            truth.documents += statistics["documents"].as_u64().expect("a number");
            truth.events += statistics["events"].as_u64().expect("a number");
        }
        if truth.is_right() || begun.elapsed() > PATIENCE {
            return truth;
        }
        sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_holds_what_was_acknowledged_and_at_most_what_failed_besides() {
        let truth = |documents, events, failed| Truth { uploads: 10, edits: 20, failed, documents, events };
        assert!(truth(10, 30, 0).is_right() && truth(11, 31, 1).is_right());
        for wrong in
            [truth(9, 30, 0), truth(11, 30, 0), truth(10, 29, 0), truth(10, 31, 0), truth(12, 32, 1), truth(9, 30, 1)]
        {
            assert!(!wrong.is_right(), "{wrong:?}");
        }
    }
}
