//! Concepts and how they go together, as a graph with a place for each.

use crate::answer::{Found, WorkspaceStatuses};
use crate::association::Occurrences;
use crate::config::Overviews;
use crate::tables::{Of, Tables};
use poem_openapi::param::{Header, Query};
use poem_openapi::{Object, OpenApi};
use runtime::http::{Authorized, Category, Problem, Refused};
use serde::Serialize;
use sqlx::PgConnection;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// The route of the graph.
pub(crate) struct Api {
    pub(crate) tables: Tables,
    pub(crate) overviews: Overviews,
}

/// A concept in the graph.
#[derive(Serialize, Object)]
#[oai(rename = "ConceptNode", skip_serializing_if_is_none)]
pub(crate) struct Node {
    /// Its key.
    concept: String,
    /// How it is written.
    name: String,
    /// What sort of thing it names.
    category: String,
    /// How many documents in use have it; of the cluster, if one was asked for.
    documents: i64,
    /// The cluster in which it occurs most, of the documents considered; absent if in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<Uuid>,
    /// Where it stands from left to right, 0 to 1.
    x: f64,
    /// Where it stands from top to bottom, 0 to 1.
    y: f64,
}

/// Two concepts that go together.
#[derive(Serialize, Object)]
#[oai(rename = "ConceptEdge")]
pub(crate) struct Edge {
    /// The key of the one.
    source: String,
    /// The key of the other.
    target: String,
    /// How many of the documents considered have both.
    documents: u32,
    /// How much more often than by chance both occur together: 0 not at all, 1 always.
    weight: f64,
}

/// Concepts and how they go together.
#[derive(Serialize, Object)]
pub(crate) struct ConceptGraph {
    /// The concepts, the most frequent first.
    nodes: Vec<Node>,
    /// What goes together, the strongest first.
    edges: Vec<Edge>,
    /// In how many documents, the newest, they were counted together.
    documents_considered: u32,
}

/// What a request asks for.
struct Wanted {
    workspace: Uuid,
    cluster: Option<Uuid>,
    category: Option<Category>,
    min_documents: u32,
    nodes: u32,
    edges: u32,
    considered: u32,
}

#[OpenApi]
impl Api {
    /// The graph of concepts
    ///
    /// The most frequent concepts, which of them go together, and a place for each so that what goes together stands
    /// together. Counted in the newest 5,000 documents, unless configured otherwise.
    #[oai(path = "/v1/concepts/graph", method = "get", operation_id = "get_concept_graph")]
    #[expect(clippy::too_many_arguments, reason = "each is a documented parameter of the operation")]
    async fn graph(
        &self,
        Authorized(caller): Authorized,
        /// Most concepts; 60 if absent, at most 500, unless configured otherwise.
        #[oai(validator(minimum(value = "1")))]
        nodes: Query<Option<u32>>,
        /// Most connections; 150 if absent, at most 2,000, unless configured otherwise.
        edges: Query<Option<u32>>,
        /// Only documents of this cluster.
        cluster: Query<Option<Uuid>>,
        /// Only concepts of this sort.
        category: Query<Option<Category>>,
        /// Only concepts that at least so many documents have.
        min_documents: Query<Option<u32>>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<Found<ConceptGraph>, Refused<WorkspaceStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Knowledge, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.not_modified());
        }
        let limits = &self.overviews;
        let wanted = Wanted {
            workspace: caller.workspace.0,
            cluster: cluster.0,
            category: category.0,
            min_documents: min_documents.0.unwrap_or(1).max(1),
            nodes: nodes.0.unwrap_or(limits.graph_nodes).min(limits.graph_nodes_limit),
            edges: edges.0.unwrap_or(limits.graph_edges).min(limits.graph_edges_limit),
            considered: limits.considered_documents,
        };
        let nodes = nodes_of(snapshot.connection(), &wanted).await?;
        let documents = documents_of(snapshot.connection(), &wanted, &nodes).await?;
        let head = snapshot.finish();
        let edges = wanted.edges as usize;
        // Finding a place for each takes longer than a request should keep others waiting.
        let drawn = tokio::task::spawn_blocking(move || draw(nodes, &documents, edges)).await;
        Ok(head.found(&drawn.map_err(|_| Problem::internal())?))
    }
}

/// A concept before it has a place.
struct Concept {
    concept: String,
    name: String,
    category: String,
    documents: i64,
}

/// A document by what of the graph it has.
struct Document {
    cluster: Option<Uuid>,
    /// Positions of its concepts, in order.
    concepts: Vec<u32>,
}

/// The most frequent concepts that are wanted.
async fn nodes_of(connection: &mut PgConnection, wanted: &Wanted) -> Result<Vec<Concept>, Problem> {
    let category = wanted.category.map(|category| events::Category::from(category).name());
    let nodes = match wanted.cluster {
        None => {
            sqlx::query_as!(
                Concept,
                "select concept, name, category, documents from concept
                 where workspace_id = $1 and documents > 0 and documents >= $2 and ($3::text is null or category = $3)
                 order by documents desc, concept limit $4",
                wanted.workspace,
                i64::from(wanted.min_documents),
                category,
                i64::from(wanted.nodes)
            )
            .fetch_all(connection)
            .await?
        }
        Some(cluster) => {
            sqlx::query_as!(
                Concept,
                "select concept, c.name, c.category, t.documents
                 from cluster_concept t join concept c using (workspace_id, concept)
                 where workspace_id = $1 and t.cluster_id = $5 and t.documents >= $2
                       and ($3::text is null or c.category = $3)
                 order by t.documents desc, concept limit $4",
                wanted.workspace,
                i64::from(wanted.min_documents),
                category,
                i64::from(wanted.nodes),
                cluster
            )
            .fetch_all(connection)
            .await?
        }
    };
    Ok(nodes)
}

/// The newest documents, with what they have of the concepts.
async fn documents_of(
    connection: &mut PgConnection,
    wanted: &Wanted,
    nodes: &[Concept],
) -> Result<Vec<Document>, Problem> {
    let keys: Vec<String> = nodes.iter().map(|node| node.concept.clone()).collect();
    let positions: HashMap<&str, u32> = (0..).zip(&keys).map(|(at, key)| (key.as_str(), at)).collect();
    // Both statements differ in the index that gives the newest documents; each document is then asked by its key.
    let rows: Vec<(Option<Uuid>, Option<Vec<String>>)> = match wanted.cluster {
        None => sqlx::query!(
            "with newest as materialized (
                 select document_id, cluster_id from document_knowledge where workspace_id = $1 and not is_trashed
                 order by created_at desc limit $2
             )
             select n.cluster_id, d.concepts from newest n cross join lateral (
                 select array_agg(concept) as concepts from document_concept
                 where workspace_id = $1 and document_id = n.document_id and concept = any($3)
             ) as d",
            wanted.workspace,
            i64::from(wanted.considered),
            &keys
        )
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(|row| (row.cluster_id, row.concepts))
        .collect(),
        Some(cluster) => sqlx::query!(
            "with newest as materialized (
                 select document_id, cluster_id from document_knowledge where workspace_id = $1 and cluster_id = $4
                 order by arrival desc limit $2
             )
             select n.cluster_id, d.concepts from newest n cross join lateral (
                 select array_agg(concept) as concepts from document_concept
                 where workspace_id = $1 and document_id = n.document_id and concept = any($3)
             ) as d",
            wanted.workspace,
            i64::from(wanted.considered),
            &keys,
            cluster
        )
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(|row| (row.cluster_id, row.concepts))
        .collect(),
    };
    let document = |(cluster, concepts): (Option<Uuid>, Option<Vec<String>>)| {
        let concepts = concepts.unwrap_or_default();
        let mut concepts: Vec<u32> = concepts.iter().filter_map(|key| positions.get(key.as_str()).copied()).collect();
        concepts.sort_unstable();
        Document { cluster, concepts }
    };
    Ok(rows.into_iter().map(document).collect())
}

/// Counts what goes together and finds a place for each concept.
fn draw(nodes: Vec<Concept>, documents: &[Document], most: usize) -> ConceptGraph {
    let mut alone = vec![0_u32; nodes.len()];
    let mut together: HashMap<(u32, u32), u32> = HashMap::new();
    let mut clusters: Vec<BTreeMap<Uuid, u32>> = vec![BTreeMap::new(); nodes.len()];
    for document in documents {
        for (at, &one) in document.concepts.iter().enumerate() {
            alone[one as usize] += 1;
            if let Some(cluster) = document.cluster {
                *clusters[one as usize].entry(cluster).or_default() += 1;
            }
            for &other in &document.concepts[at + 1..] {
                *together.entry((one, other)).or_default() += 1;
            }
        }
    }
    let total = documents.len() as f64;
    let mut edges: Vec<(u32, u32, u32, f64)> = together
        .into_iter()
        .map(|((one, other), both)| {
            let (one_alone, other_alone) = (f64::from(alone[one as usize]), f64::from(alone[other as usize]));
            (one, other, both, Occurrences::of(one_alone, other_alone, f64::from(both), total).weight())
        })
        .filter(|(.., weight)| *weight > 0.0)
        .collect();
    edges.sort_by(|a, b| b.3.total_cmp(&a.3).then(b.2.cmp(&a.2)).then((a.0, a.1).cmp(&(b.0, b.1))));
    edges.truncate(most);
    let places = places(nodes.len());
    let key = |at: u32| nodes[at as usize].concept.clone();
    let edges = edges
        .iter()
        .map(|&(one, other, documents, weight)| Edge { source: key(one), target: key(other), documents, weight })
        .collect();
    let most_of = |clusters: BTreeMap<Uuid, u32>| {
        clusters
            .into_iter()
            .max_by_key(|(cluster, documents)| (*documents, std::cmp::Reverse(*cluster)))
            .map(|most| most.0)
    };
    let nodes = nodes
        .into_iter()
        .zip(clusters)
        .zip(places)
        .map(|((concept, clusters), (x, y))| {
            let Concept { concept, name, category, documents } = concept;
            Node { concept, name, category, documents, cluster: most_of(clusters), x, y }
        })
        .collect();
    ConceptGraph { nodes, edges, documents_considered: u32::try_from(documents.len()).unwrap_or(u32::MAX) }
}

fn places(nodes: usize) -> Vec<(f64, f64)> {
    let angle = |at: usize| at as f64 / nodes.max(1) as f64 * std::f64::consts::TAU;
    (0..nodes).map(|at| (f64::midpoint(1.0, angle(at).cos()), f64::midpoint(1.0, angle(at).sin()))).collect()
}
