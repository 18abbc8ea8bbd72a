//! `projector compare`: fills a generation with this program's analysis beside the serving one, shows both side by side,
//! and removes it again. What it would change is seen before anybody switches.

use crate::filling::Servers;
use crate::projection::Projection;
use crate::{config, rebuild};
use analysis::agreement::{adjusted_mutual_information, adjusted_rand};
use runtime::{EventLog, telemetry};
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgConnection};
use std::collections::BTreeMap;
use std::error::Error;
use uuid::Uuid;

/// Rows that a list shows at most.
const SHOWN: i64 = 20;

const SERVING: &str = Projection::Knowledge.schema();
const REPLAYED: &str = Projection::Knowledge.check_schema();

/// Two generations side by side: first the serving one, then this program's.
#[derive(Serialize)]
struct Report {
    sequence: u64,
    analyzers: [Vec<i32>; 2],
    documents: i64,
    /// Documents whose concepts are not the same.
    documents_with_other_concepts: i64,
    concepts: [i64; 2],
    clusters: [i64; 2],
    unclustered: [i64; 2],
    /// Agreement of the two clusterings over the documents that stand in a cluster of both.
    adjusted_rand: f64,
    adjusted_mutual_information: f64,
    /// The largest clusters of the serving generation, each with the one that has most of its documents.
    largest_clusters: Vec<Pair>,
    /// Concepts whose number of documents changes most.
    most_changed_concepts: Vec<Changed>,
}

/// A cluster and what becomes of it.
#[derive(Serialize, sqlx::FromRow)]
struct Pair {
    name: String,
    documents: i64,
    becomes: Option<String>,
    becomes_documents: Option<i64>,
    shared: Option<i64>,
}

/// A concept and how many documents have it.
#[derive(Serialize, sqlx::FromRow)]
struct Changed {
    name: String,
    serving: i64,
    replayed: i64,
}

/// Compares, and prints what came of it.
pub(crate) async fn run(config: config::Compare) -> Result<(), Box<dyn Error + Send + Sync>> {
    let _telemetry = telemetry::start(&config.log)?;
    let log = EventLog::connect(&config.nats, "projector-compare").await?;
    let servers = Servers {
        log: &log,
        postgres: &config.postgres,
        batches: &config.batches,
        most_per_second: None,
        json: config.json,
    };
    let mut filling = rebuild::aside(&servers, Projection::Knowledge).await?;
    let (mut snapshot, sequence) = filling.side_by_side().await?.ok_or(rebuild::BEHIND)?;
    let report = report(&mut snapshot, sequence).await?;
    snapshot.rollback().await?;
    rebuild::drop_aside(&mut filling).await?;
    if config.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        report.print();
    }
    Ok(())
}

async fn report(connection: &mut PgConnection, sequence: u64) -> Result<Report, sqlx::Error> {
    let mut both: BTreeMap<(Uuid, Uuid), u64> = BTreeMap::new();
    let shared: Vec<(Uuid, Uuid, i64)> = sqlx::query_as(AssertSqlSafe(format!(
        "select s.cluster_id, r.cluster_id, count(*) from {SERVING}.document_knowledge s
         join {REPLAYED}.document_knowledge r using (workspace_id, document_id)
         where s.cluster_id is not null and r.cluster_id is not null group by 1, 2"
    )))
    .fetch_all(&mut *connection)
    .await?;
    for (serving, replayed, count) in shared {
        both.insert((serving, replayed), crate::numbers::to_u64(count));
    }
    let mut analyzers = [Vec::new(), Vec::new()];
    for (schema, versions) in [SERVING, REPLAYED].into_iter().zip(&mut analyzers) {
        let query = format!("select version from {schema}.analyzer order by 1");
        *versions = sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(&mut *connection).await?;
    }
    Ok(Report {
        sequence,
        analyzers,
        documents: count(connection, &format!("{SERVING}.document_knowledge where not is_trashed")).await?,
        documents_with_other_concepts: count(connection, &format!("({}) as other", other_concepts())).await?,
        concepts: counts(connection, "concept where documents > 0").await?,
        clusters: counts(connection, "cluster where documents > 0").await?,
        unclustered: counts(connection, "document_knowledge where not is_trashed and cluster_id is null").await?,
        adjusted_rand: adjusted_rand(&both),
        adjusted_mutual_information: adjusted_mutual_information(&both),
        largest_clusters: largest_clusters(connection).await?,
        most_changed_concepts: most_changed_concepts(connection).await?,
    })
}

async fn counts(connection: &mut PgConnection, from: &str) -> Result<[i64; 2], sqlx::Error> {
    let serving = count(connection, &format!("{SERVING}.{from}")).await?;
    Ok([serving, count(connection, &format!("{REPLAYED}.{from}")).await?])
}

async fn count(connection: &mut PgConnection, from: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {from}"))).fetch_one(connection).await
}

/// Documents that have a concept in one generation and not in the other.
fn other_concepts() -> String {
    let columns = "workspace_id, document_id, concept";
    let only = |one: &str, other: &str| {
        format!("(select {columns} from {one}.document_concept except select {columns} from {other}.document_concept)")
    };
    let either = format!("{} union all {}", only(SERVING, REPLAYED), only(REPLAYED, SERVING));
    format!("select distinct workspace_id, document_id from ({either}) as either")
}

async fn largest_clusters(connection: &mut PgConnection) -> Result<Vec<Pair>, sqlx::Error> {
    sqlx::query_as(AssertSqlSafe(format!(
        "select c.name, c.documents, other.name as becomes, other.documents as becomes_documents, other.shared
         from (select * from {SERVING}.cluster where documents > 0 order by documents desc, cluster_id limit $1) as c
         left join lateral (
             select n.name, n.documents, count(*) as shared
             from {SERVING}.document_knowledge s
             join {REPLAYED}.document_knowledge r using (workspace_id, document_id)
             join {REPLAYED}.cluster n on n.workspace_id = r.workspace_id and n.cluster_id = r.cluster_id
             where s.workspace_id = c.workspace_id and s.cluster_id = c.cluster_id
             group by n.cluster_id, n.name, n.documents order by shared desc, n.cluster_id limit 1
         ) as other on true
         order by c.documents desc, c.cluster_id"
    )))
    .bind(SHOWN)
    .fetch_all(connection)
    .await
}

async fn most_changed_concepts(connection: &mut PgConnection) -> Result<Vec<Changed>, sqlx::Error> {
    sqlx::query_as(AssertSqlSafe(format!(
        "select coalesce(s.name, r.name) as name, coalesce(s.documents, 0) as serving, coalesce(r.documents, 0) as replayed
         from {SERVING}.concept s full join {REPLAYED}.concept r using (workspace_id, concept)
         where coalesce(s.documents, 0) <> coalesce(r.documents, 0)
         order by abs(coalesce(s.documents, 0) - coalesce(r.documents, 0)) desc, 1 limit $1"
    )))
    .bind(SHOWN)
    .fetch_all(connection)
    .await
}

impl Report {
    fn print(&self) {
        let row = |name: &str, [serving, replayed]: [&dyn std::fmt::Display; 2]| {
            println!("{name:<28} {serving:>12} {replayed:>12}");
        };
        row("", [&"serving", &"this program"]);
        let versions = |versions: &[i32]| versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        row("analysis", [&versions(&self.analyzers[0]), &versions(&self.analyzers[1])]);
        row("concepts", [&self.concepts[0], &self.concepts[1]]);
        row("clusters", [&self.clusters[0], &self.clusters[1]]);
        row("documents in no cluster", [&self.unclustered[0], &self.unclustered[1]]);
        println!(
            "{} of {} documents have other concepts; the clusterings agree by {:.3} (adjusted Rand), {:.3} (adjusted mutual information)",
            self.documents_with_other_concepts, self.documents, self.adjusted_rand, self.adjusted_mutual_information
        );
        for pair in &self.largest_clusters {
            let (name, documents) = (&pair.name, pair.documents);
            match (&pair.becomes, pair.shared, pair.becomes_documents) {
                (Some(becomes), Some(shared), Some(size)) => {
                    println!("  {name} ({documents}) -> {becomes} ({size}, {shared} the same)");
                }
                _ => println!("  {name} ({documents}) -> none"),
            }
        }
        for Changed { name, serving, replayed } in &self.most_changed_concepts {
            println!("  {name}: {serving} -> {replayed} documents");
        }
    }
}
