//! Concepts and how they go together, as a graph with a place for each.

mod example;

use crate::answer::{Found, WorkspaceStatuses};
use crate::config::Overviews;
use crate::heavy::Heavy;
use crate::section::Section;
use crate::tables::{Of, Tables};
use analysis::graph::{self, Pair};
use poem_openapi::param::{Header, Query};
use poem_openapi::{Object, OpenApi};
use runtime::http::{Authorized, Category, Problem, Refused};
use serde::Serialize;
use sqlx::PgConnection;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Of so many times the concepts that are wanted those are chosen that go together with others.
const POOL: i64 = 3;

/// The route of the graph.
pub(crate) struct Api {
    pub(crate) tables: Tables,
    pub(crate) overviews: Overviews,
    pub(crate) heavy: Heavy,
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
    /// What it is drawn with in one colour: the concepts of one cluster, and those bound to them most. The largest is 0.
    group: u32,
    /// Its radius beside that of the most frequent one, 0 to 1: areas are as documents.
    size: f64,
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
#[oai(example)]
pub(crate) struct ConceptGraph {
    /// The concepts, the most frequent first.
    nodes: Vec<Node>,
    /// What goes together, the strongest first.
    edges: Vec<Edge>,
    /// How many of the concepts that were looked at, the most frequent ones, are left out.
    nodes_omitted: u32,
    /// How many connections between the concepts shown are left out.
    edges_omitted: u32,
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

#[OpenApi(tag = "Section::Concepts")]
impl Api {
    /// The graph of concepts
    ///
    /// The most frequent concepts that go together with any other, which go together, and a place for each so that what goes
    /// together stands together. Counted in the newest 5,000 documents, unless configured otherwise.
    #[oai(path = "/v1/concepts/graph", method = "get", operation_id = "get_concept_graph")]
    #[expect(clippy::too_many_arguments, reason = "each is a documented parameter of the operation")]
    async fn graph(
        &self,
        Authorized(caller): Authorized,
        /// Most concepts; 60 if absent, at most 400, unless configured otherwise.
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
        let most = (wanted.nodes as usize, wanted.edges as usize);
        // Finding a place for each takes longer than a request should keep others waiting.
        let turn = self.heavy.turn().await?;
        let drawn = turn.run(move || draw(&nodes, &documents, most.0, most.1)).await?;
        Ok(head.found(&drawn))
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
                i64::from(wanted.nodes) * POOL
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
                i64::from(wanted.nodes) * POOL,
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

/// Counts what goes together, chooses what is drawn and finds a place for each.
fn draw(concepts: &[Concept], documents: &[Document], most_nodes: usize, most_edges: usize) -> ConceptGraph {
    let mut alone = vec![0_u32; concepts.len()];
    let mut together: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    let mut clusters: Vec<BTreeMap<Uuid, u32>> = vec![BTreeMap::new(); concepts.len()];
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
    let nodes: Vec<graph::Node<'_>> = concepts
        .iter()
        .zip(alone.iter().zip(&clusters))
        .map(|(concept, (&documents, clusters))| graph::Node {
            key: &concept.concept,
            name: &concept.name,
            documents,
            cluster: most_of(clusters),
        })
        .collect();
    let pair = |((a, b), documents): ((u32, u32), u32)| Pair { a: a as usize, b: b as usize, documents };
    let pairs: Vec<Pair> = together.into_iter().map(pair).collect();
    let considered = u32::try_from(documents.len()).unwrap_or(u32::MAX);
    let drawn = graph::draw(&nodes, &pairs, considered, most_nodes, most_edges);
    let known: HashMap<&str, &Concept> = concepts.iter().map(|concept| (concept.concept.as_str(), concept)).collect();
    let edges = drawn.edges.iter().map(|edge| Edge {
        source: drawn.nodes[edge.from].key.clone(),
        target: drawn.nodes[edge.to].key.clone(),
        documents: edge.documents,
        weight: edge.weight.into(),
    });
    let edges = edges.collect();
    let node = |node: graph::Placed| {
        let concept = known.get(node.key.as_str())?;
        Some(Node {
            category: concept.category.clone(),
            documents: concept.documents,
            concept: node.key,
            name: node.name,
            cluster: node.cluster,
            group: node.group,
            size: node.size.into(),
            x: node.x.into(),
            y: node.y.into(),
        })
    };
    let omitted = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    ConceptGraph {
        nodes_omitted: omitted(drawn.nodes_omitted),
        edges_omitted: omitted(drawn.edges_omitted),
        nodes: drawn.nodes.into_iter().filter_map(node).collect(),
        edges,
        documents_considered: considered,
    }
}

/// The cluster with most documents; of equals the one with the least id.
fn most_of(clusters: &BTreeMap<Uuid, u32>) -> Option<Uuid> {
    clusters.iter().max_by_key(|(cluster, documents)| (**documents, Reverse(**cluster))).map(|(cluster, _)| *cluster)
}
