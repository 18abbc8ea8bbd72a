//! Clusters: what users decide about them. An id proves itself, so no read model is asked whether there is such a cluster.

mod answer;
mod body;

use crate::decider::{Decider, Order};
use crate::invalid::Invalid;
use crate::order::{Asked, Key};
use answer::{ChangeStatuses, Changed, CreateStatuses, Created, MergeStatuses, dissolved, merged, not_found, problem};
use body::{MergeBody, NameBody, SkillLevelBody};
use domain::cluster::{Cluster, Command};
use domain::document::Name;
use events::{ClusterId, Stream, WorkspaceId};
use poem::Request;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use runtime::http::{Authorized, JsonBody, Problem, Refused};
use std::sync::Arc;
use uuid::Uuid;

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

#[OpenApi]
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

    /// Name it
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

    /// Say how demanding it is
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

    /// Make it part of another
    ///
    /// Its documents belong to the other from then on, and so do those that clustering would put into it.
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
        self.clusters.check_whole(asked.workspace(), this, into).await?;
        Ok(self.clusters.change(&asked, id.0, Command::Merge { this, into }).await?)
    }

    /// Give it up
    ///
    /// Its documents stand in no cluster, until clustering finds another for them.
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
        let outcome = self.decider.execute(asked.order(stream, command)).await.map_err(problem)?;
        Ok(Changed::of(cluster, &outcome))
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
    async fn check_whole(&self, workspace: WorkspaceId, this: ClusterId, into: ClusterId) -> Result<(), Problem> {
        let (this, other) = (stream(workspace, this)?, stream(workspace, into)?);
        if self.decider.tip(this).await?.state == (Cluster::Merged { into }) {
            // It was checked when it was merged.
            return Ok(());
        }
        match &self.decider.tip(other).await?.state {
            Cluster::Merged { into } => Err(merged(*into)),
            Cluster::Dissolved => Err(dissolved()),
            Cluster::Unnamed | Cluster::Known(_) => Ok(()),
        }
    }

    fn name(&self, name: &str) -> Result<Name, Problem> {
        Name::parse(name, self.name_chars).map_err(Invalid::field("name"))
    }
}

/// The stream of a cluster, if its id was given to one of the workspace.
fn stream(workspace: WorkspaceId, cluster: ClusterId) -> Result<Stream, Problem> {
    if cluster.is_of(workspace) { Ok(Stream::cluster(workspace, cluster)) } else { Err(not_found()) }
}
