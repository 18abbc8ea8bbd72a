//! Documents arriving one by one, as the projection sees them: each is put where the last epoch's model says, and when
//! enough has changed there is another epoch.

use analysis::clusters::{self, Model, Vector};

/// Where the documents so far stand.
#[derive(Default)]
pub(crate) struct Feed {
    model: Option<Model>,
    at_epoch: u64,
    changes: u64,
    /// How many epochs there were.
    pub(crate) epochs: u64,
    /// The longest of them, in seconds.
    pub(crate) longest: f64,
    /// The cluster of each document; none where it fits nowhere.
    pub(crate) assignment: Vec<Option<u32>>,
}

impl Feed {
    /// The next document arrives; `vectors` are all so far, it being the last.
    pub(crate) fn arrive(&mut self, vectors: &[&Vector]) {
        let assigned = vectors.last().and_then(|vector| self.model.as_ref()?.assign(vector));
        self.assignment.push(assigned.map(|assigned| assigned.cluster));
        self.changes += 1;
        let documents = vectors.len() as u64;
        if !clusters::is_due(documents, self.at_epoch, self.changes) {
            return;
        }
        let begun = std::time::Instant::now();
        let fit = clusters::fit(vectors);
        self.longest = self.longest.max(begun.elapsed().as_secs_f64());
        self.assignment.clone_from(&fit.assignment);
        self.model = Some(fit.model);
        self.at_epoch = documents;
        self.changes = 0;
        self.epochs += 1;
    }
}
