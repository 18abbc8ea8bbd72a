//! Clusters: what users decide about them. An id proves itself, so no read model is asked whether there is such a cluster.

mod answer;
mod body;

use crate::decider::{Decider, Error, Order, Outcome};
use crate::invalid::Invalid;
use crate::order::{Asked, Key};
use crate::section::Section;
use answer::{ChangeStatuses, Changed, CreateStatuses, Created, MergeStatuses, dissolved, merged, not_found, problem};
use body::{MergeBody, NameBody, SkillLevelBody};
use domain::cluster::{Cluster, Command, Error as Refusal};
use domain::document::Name;
use events::{ClusterId, Stream, WorkspaceId};
use poem::Request;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use runtime::event_log;
use runtime::http::{Authorized, JsonBody, Problem, Refused};
use std::sync::Arc;
use uuid::Uuid;

/// Where a chain of merged clusters is followed no further.
const LONGEST_CHAIN: usize = 64;

/// Decides on clusters.
pub(crate) struct Clusters {
    pub(crate) decider: Decider<Cluster>,
    /// Most characters of a name.
    pub(crate) name_chars: usize,
}

/// The routes of clusters.
pub(crate) struct Api {
    pub(crate) clusters: Arc<Clusters>,
}

#[OpenApi(tag = "Section::Clusters")]
impl Api {
    /// Make a cluster
    ///
    /// To move documents into. With an `Idempotency-Key` a retry, at any time, gets the first answer and makes nothing.
    #[oai(path = "/v1/clusters", method = "post", operation_id = "create_cluster")]
    async fn create(
        &self,
        request: &Request,
        caller: Authorized,
        body: JsonBody<NameBody>,
        /// Names this cluster's making for ever: a retry with the same key and body gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
    ) -> Result<Created, Refused<CreateStatuses>> {
        let asked = Asked::of(request, caller, key)?;
        let command = Command::Create { name: self.clusters.name(&body.0.name)? };
        let workspace = asked.workspace();
        // The cluster's own stream has no name yet: its id follows from the command's.
        let id = asked.command_id(&Stream::cluster(workspace, ClusterId(workspace.0)));
        let cluster = ClusterId::of_creation(workspace, id);
        let order = Order { id, ..asked.creation(Stream::cluster(workspace, cluster), command) };
        let outcome = self.clusters.decider.execute(order).await.map_err(problem)?;
        Ok(Created::of(cluster, &outcome))
    }

    /// Name a cluster
    #[oai(path = "/v1/clusters/:id/name", method = "put", operation_id = "rename_cluster")]
    async fn rename(
        &self,
        request: &Request,
        caller: Authorized,
        /// The cluster.
        id: Path<Uuid>,
        body: JsonBody<NameBody>,
        /// Names this command: a retry soon after with the same key and body gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
    ) -> Result<Changed, Refused<ChangeStatuses>> {
        let command = Command::Rename { name: self.clusters.name(&body.0.name)? };
        Ok(self.clusters.change(&Asked::of(request, caller, key)?, id.0, command).await?)
    }

    /// Say how demanding a cluster is
    ///
    /// `unknown` leaves it to what its documents say.
    #[oai(path = "/v1/clusters/:id/skill_level", method = "put", operation_id = "set_cluster_skill_level")]
    async fn set_skill_level(
        &self,
        request: &Request,
        caller: Authorized,
        /// The cluster.
        id: Path<Uuid>,
        body: JsonBody<SkillLevelBody>,
        /// Names this command: a retry soon after with the same key and body gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
    ) -> Result<Changed, Refused<ChangeStatuses>> {
        let command = Command::SetSkillLevel { skill_level: body.0.skill_level.into() };
        Ok(self.clusters.change(&Asked::of(request, caller, key)?, id.0, command).await?)
    }

    /// Merge a cluster into another
    ///
    /// Its documents belong to the other from then on, and so do those that clustering would put into it. Of two merges
    /// that are asked for at once and lead round in a circle, the later one holds, and the other cluster is free again.
    #[oai(path = "/v1/clusters/:id/merge", method = "post", operation_id = "merge_cluster")]
    async fn merge(
        &self,
        request: &Request,
        caller: Authorized,
        /// The cluster.
        id: Path<Uuid>,
        body: JsonBody<MergeBody>,
        /// Names this command: a retry soon after with the same key and body gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
    ) -> Result<Changed, Refused<MergeStatuses>> {
        let asked = Asked::of(request, caller, key)?;
        let (this, into) = (ClusterId(id.0), ClusterId(body.0.into));
        self.clusters.check_whole(&asked, this, into).await?;
        Ok(self.clusters.change(&asked, id.0, Command::Merge { this, into }).await?)
    }

    /// Give a cluster up
    ///
    /// Its documents stand in no cluster, and neither do those that clustering would put into it later: it stays given up
    /// as long as the same group is found again. A document stands elsewhere once a user moves it, or once clustering finds
    /// it nearer to another group. To have all of them in another cluster, merge this one instead.
    #[oai(path = "/v1/clusters/:id", method = "delete", operation_id = "dissolve_cluster")]
    async fn dissolve(
        &self,
        request: &Request,
        caller: Authorized,
        /// The cluster.
        id: Path<Uuid>,
        /// Names this command: a retry soon after with the same key gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
    ) -> Result<Changed, Refused<ChangeStatuses>> {
        Ok(self.clusters.change(&Asked::of(request, caller, key)?, id.0, Command::Dissolve).await?)
    }
}

impl Clusters {
    /// Carries one command out on one cluster.
    async fn change(&self, asked: &Asked, id: Uuid, command: Command) -> Result<Changed, Problem> {
        let cluster = ClusterId(id);
        let stream = stream(asked.workspace(), cluster)?;
        let outcome = match self.decider.execute(asked.order(stream, command.clone())).await {
            Err(Error::Refused(Refusal::Merged { into })) => self.change_freed(asked, cluster, into, command).await?,
            outcome => outcome.map_err(problem)?,
        };
        Ok(Changed::of(cluster, &outcome))
    }

    /// Carries a command out on a cluster that is part of another by its own events, if it was set free since.
    async fn change_freed(
        &self,
        asked: &Asked,
        cluster: ClusterId,
        into: ClusterId,
        command: Command,
    ) -> Result<Outcome, Problem> {
        let Some(sequence) = self.free_since(asked.workspace(), cluster).await? else { return Err(merged(into)) };
        let order = asked.order(stream(asked.workspace(), cluster)?, Command::Freed(Box::new(command)));
        // Whether it is free was found out for the cluster as it is.
        match self.decider.execute(Order { allowed: Some(vec![sequence]), ..order }).await {
            Err(Error::Stale { .. }) => Err(event_log::Error::Conflict.into()),
            outcome => outcome.map_err(problem),
        }
    }

    /// Where the stream of a merged cluster ends, if the cluster is free all the same. Clusters that were merged at once can
    /// lead round in a circle; as in the projection, the latest merge then holds, and the one into the cluster that it was
    /// about does not.
    async fn free_since(&self, workspace: WorkspaceId, cluster: ClusterId) -> Result<Option<u64>, Problem> {
        let mut circle = Vec::new();
        let mut at = cluster;
        for _ in 0..LONGEST_CHAIN {
            let tip = self.decider.tip(stream(workspace, at)?).await?;
            let Cluster::Merged { into, .. } = &tip.state else { return Ok(None) };
            circle.push((tip.sequence, at));
            at = *into;
            if at == cluster {
                return Ok(freed(&circle));
            }
        }
        Ok(None)
    }

    /// Checks that documents may be moved into a cluster: it was not given up.
    ///
    /// # Errors
    /// 404 and 409.
    pub(crate) async fn check_open(&self, workspace: WorkspaceId, cluster: ClusterId) -> Result<(), Problem> {
        match &self.decider.tip(stream(workspace, cluster)?).await?.state {
            Cluster::Dissolved => Err(dissolved()),
            Cluster::Unnamed | Cluster::Known(_) | Cluster::Merged { .. } => Ok(()),
        }
    }

    /// Checks that a cluster can take another in: that it is neither given up nor part of another itself, which might be
    /// part of the first.
    async fn check_whole(&self, asked: &Asked, this: ClusterId, other: ClusterId) -> Result<(), Problem> {
        let workspace = asked.workspace();
        if asked.is_retry(&self.decider, stream(workspace, this)?).await? {
            return Ok(());
        }
        match &self.decider.tip(stream(workspace, other)?).await?.state {
            Cluster::Merged { into, .. } => match self.free_since(workspace, other).await? {
                Some(_) => Ok(()),
                None => Err(merged(*into)),
            },
            Cluster::Dissolved => Err(dissolved()),
            Cluster::Unnamed | Cluster::Known(_) => Ok(()),
        }
    }

    fn name(&self, name: &str) -> Result<Name, Problem> {
        Name::parse(name, self.name_chars).map_err(Invalid::field("name"))
    }
}

/// Where the stream of a circle's first cluster ends, if the latest merge is of the one that it leads to. Of each cluster:
/// the sequence of its merge, and its id; each leads to the next, and the last to the first.
fn freed(circle: &[(u64, ClusterId)]) -> Option<u64> {
    let (first, _) = circle.first()?;
    let next = circle.get(1)?;
    (circle.iter().max() == Some(next)).then_some(*first)
}

/// The stream of a cluster, if its id was given to one of the workspace.
fn stream(workspace: WorkspaceId, cluster: ClusterId) -> Result<Stream, Problem> {
    if cluster.is_of(workspace) { Ok(Stream::cluster(workspace, cluster)) } else { Err(not_found()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_merge_of_a_circle_frees_the_cluster_that_led_to_its_own() {
        let cluster = |n| ClusterId(Uuid::from_u128(n));
        let mut circle = [(10, cluster(1)), (30, cluster(2)), (20, cluster(3))];
        let mut answers = Vec::new();
        for _ in 0..circle.len() {
            answers.push(freed(&circle));
            circle.rotate_left(1);
        }
        assert_eq!(answers, [Some(10), None, None]);
        assert_eq!(freed(&[(2, cluster(1)), (1, cluster(2))]), None);
        assert_eq!(freed(&[(1, cluster(2)), (2, cluster(1))]), Some(1));
    }
}
