//! What every edit of a document has in common.

use super::answer::{Edited, problem};
use crate::decider::Decider;
use crate::order::Asked;
use domain::document::{Command, Document, Limits};
use runtime::http::Problem;
use uuid::Uuid;

/// Decides on documents, for all of their routes.
pub(crate) struct Documents {
    pub(crate) decider: Decider<Document>,
    pub(crate) limits: Limits,
}

impl Documents {
    /// Carries one command out on one document.
    pub(super) async fn edit(&self, asked: &Asked, id: Uuid, command: Command) -> Result<Edited, Problem> {
        let outcome = self.decider.execute(asked.order(asked.document(id), command)).await.map_err(problem)?;
        Ok(Edited::of(id, &outcome))
    }
}
