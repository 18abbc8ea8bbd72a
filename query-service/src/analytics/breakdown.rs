//! Documents by time, origin, level, language and cluster, all counted in one pass.

use super::Wanted;
use chrono::NaiveDate;
use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::{Problem, example};
use serde::Serialize;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Most values of one kind that are named.
const MOST: usize = 20;

/// A day, a week or a month.
#[derive(Serialize, Object)]
pub(crate) struct DocumentInterval {
    /// Its first day.
    start: NaiveDate,
    /// Documents that were uploaded in it.
    documents: i64,
}

/// How many documents have a value.
#[derive(Debug, PartialEq, Eq, Serialize, Object)]
pub(crate) struct Counted {
    /// The value.
    value: String,
    /// How many documents have it.
    documents: i64,
}

/// How many documents stand in a cluster.
#[derive(Serialize, Object)]
pub(crate) struct CountedCluster {
    /// The cluster.
    id: Uuid,
    /// Its name.
    name: String,
    /// How many documents stand in it.
    documents: i64,
}

/// Documents by their parts.
pub(super) struct Breakdown {
    pub(super) over_time: Vec<DocumentInterval>,
    pub(super) by_source: Vec<Counted>,
    pub(super) by_skill_level: Vec<Counted>,
    pub(super) by_language: Vec<Counted>,
    pub(super) by_cluster: Vec<CountedCluster>,
}

impl Example for Breakdown {
    fn example() -> Self {
        let counted = |value: &str, documents| Counted { value: value.to_owned(), documents };
        let month = |start: &str, documents| DocumentInterval { start: example::time(start).date_naive(), documents };
        let cluster = |id, name: &str, documents| CountedCluster { id, name: name.to_owned(), documents };
        Self {
            over_time: vec![month("2025-07-01T00:00:00Z", 4), month("2025-08-01T00:00:00Z", 8)],
            by_source: vec![counted("file", 9), counted("text", 3)],
            by_skill_level: vec![counted("beginner", 8), counted("unknown", 4)],
            by_language: vec![counted("en", 12)],
            by_cluster: vec![
                cluster(example::cluster(), example::CLUSTER_NAME, 7),
                cluster(example::made_cluster(), "Backups", 4),
            ],
        }
    }
}

/// Counts the documents in use that were uploaded in a range of time.
pub(super) async fn read(connection: &mut PgConnection, wanted: &Wanted, most: u32) -> Result<Breakdown, Problem> {
    // In each row one column has a value: that by which it was counted.
    let rows = sqlx::query!(
        r#"select k.start as "start?", k.source_kind as "source?", k.skill_level as "skill_level?",
                  k.language as "language?", k.cluster_id, c.name as "cluster?", k.documents as "documents!"
           from (select date_trunc($2, created_at at time zone 'UTC')::date as start, source_kind, skill_level, language,
                        cluster_id, count(*) as documents
                 from document_knowledge
                 where workspace_id = $1 and not is_trashed and ($3::timestamptz is null or created_at >= $3)
                       and ($4::timestamptz is null or created_at < $4)
                 group by grouping sets ((1), (source_kind), (skill_level), (language), (cluster_id))) as k
           left join cluster c on c.workspace_id = $1 and c.cluster_id = k.cluster_id"#,
        wanted.workspace,
        wanted.interval.name(),
        wanted.from,
        wanted.to
    )
    .fetch_all(connection)
    .await?;
    let mut counted: BTreeMap<NaiveDate, i64> = BTreeMap::new();
    let (mut by_source, mut by_skill_level, mut by_language) = (Vec::new(), Vec::new(), Vec::new());
    let mut by_cluster = Vec::new();
    for row in rows {
        let documents = row.documents;
        if let Some(start) = row.start {
            counted.insert(start, documents);
        }
        for (values, value) in
            [(&mut by_source, row.source), (&mut by_skill_level, row.skill_level), (&mut by_language, row.language)]
        {
            values.extend(value.map(|value| Counted { value, documents }));
        }
        by_cluster.extend(row.cluster_id.zip(row.cluster).map(|(id, name)| CountedCluster { id, name, documents }));
    }
    by_cluster.sort_by(|a, b| b.documents.cmp(&a.documents).then(a.id.cmp(&b.id)));
    by_cluster.truncate(MOST);
    let over_time = wanted.interval.fill(&counted, wanted.from, wanted.to, most);
    Ok(Breakdown {
        over_time: over_time.into_iter().map(|(start, documents)| DocumentInterval { start, documents }).collect(),
        by_source: most_frequent(by_source),
        by_skill_level: most_frequent(by_skill_level),
        by_language: most_frequent(by_language),
        by_cluster,
    })
}

fn most_frequent(mut values: Vec<Counted>) -> Vec<Counted> {
    values.sort_by(|a, b| b.documents.cmp(&a.documents).then_with(|| a.value.cmp(&b.value)));
    values.truncate(MOST);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_come_first_and_the_rest_not_at_all() {
        let value = |n: i64| Counted { value: format!("{n:03}"), documents: n % 10 };
        let values = most_frequent((0..100).map(value).collect());
        assert_eq!((values.len(), &values[0]), (MOST, &value(9)));
        assert_eq!(values[1], value(19));
    }
}
