//! Concepts whose share of the documents has grown.

use super::Wanted;
use crate::config::Overviews;
use chrono::{DateTime, Duration, Utc};
use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::Problem;
use serde::Serialize;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// Most concepts that are named.
const MOST: usize = 20;
/// Documents that every concept is given beforehand in both times, so that few say little.
const SMOOTHING: f64 = 2.0;
/// What a share must have grown by at least.
const LEAST_GROWTH: f64 = 1.2;

/// A concept whose share of the documents has grown.
#[derive(Serialize, Object)]
pub(crate) struct RisingConcept {
    /// Its key.
    concept: String,
    /// How it is written.
    name: String,
    /// What sort of thing it names.
    category: String,
    /// Documents of the last days that have it, of those considered.
    documents: i64,
    /// Documents of the days before that have it, of those considered.
    documents_before: i64,
    /// By how much its share has grown: 2 for twice the share. Smoothed, so that few documents say little.
    growth: f64,
}

/// Concepts that are rising.
#[derive(Serialize, Object)]
#[oai(rename = "RisingConcepts")]
pub(crate) struct Rising {
    /// How many days, up to today, are compared with as many before.
    days: u32,
    /// Documents of the last days that were considered, the newest.
    documents_considered: i64,
    /// Documents of the days before that were considered, the newest.
    documents_considered_before: i64,
    /// The concepts, those that rise most first; at most 20, and none if there were no documents before.
    concepts: Vec<RisingConcept>,
}

impl Example for Rising {
    fn example() -> Self {
        let rising = RisingConcept {
            concept: "container".to_owned(),
            name: "container".to_owned(),
            category: "concept".to_owned(),
            documents: 6,
            documents_before: 1,
            growth: 1.6,
        };
        Self { days: 30, documents_considered: 8, documents_considered_before: 4, concepts: vec![rising] }
    }
}

/// What was counted in one part of time.
#[derive(Default)]
struct Period {
    documents: i64,
    concepts: HashMap<String, i64>,
}

/// Finds concepts that are rising.
pub(super) async fn read(
    connection: &mut PgConnection,
    wanted: &Wanted,
    limits: &Overviews,
) -> Result<Rising, Problem> {
    let Wanted { workspace, tomorrow: end, days, .. } = *wanted;
    let middle = end - Duration::days(i64::from(days));
    let begin = middle - Duration::days(i64::from(days));
    let most = limits.considered_documents;
    let now = count(connection, workspace, middle, end, most).await?;
    let before = match now.documents {
        0 => Period::default(),
        _ => count(connection, workspace, begin, middle, most).await?,
    };
    let risen = risen(&now, &before, i64::from(limits.rising_documents));
    let concepts = named(connection, workspace, risen).await?;
    Ok(Rising { days, documents_considered: now.documents, documents_considered_before: before.documents, concepts })
}

/// Counts concepts in the newest documents of a part of time.
async fn count(
    connection: &mut PgConnection,
    workspace: Uuid,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    most: u32,
) -> Result<Period, Problem> {
    let rows = sqlx::query!(
        r#"with newest as materialized (
               select document_id from document_knowledge
               where workspace_id = $1 and not is_trashed and created_at >= $2 and created_at < $3
               order by created_at desc limit $4
           )
           select null as concept, count(*) as "documents!" from newest
           union all
           select o.concept, count(*) from newest n cross join lateral (
               select concept from document_concept where workspace_id = $1 and document_id = n.document_id offset 0
           ) as o
           group by o.concept"#,
        workspace,
        from,
        to,
        i64::from(most)
    )
    .fetch_all(connection)
    .await?;
    let mut period = Period::default();
    for row in rows {
        match row.concept {
            Some(concept) => drop(period.concepts.insert(concept, row.documents)),
            None => period.documents = row.documents,
        }
    }
    Ok(period)
}

/// Key, documents now, documents before, growth.
type Risen = (String, i64, i64, f64);

/// The concepts that rise most. A concept needs a few documents to rise, and a time before that had any.
fn risen(now: &Period, before: &Period, least: i64) -> Vec<Risen> {
    if before.documents == 0 {
        return Vec::new();
    }
    let share = |documents: i64, of: i64| (documents as f64 + SMOOTHING) / (of as f64 + SMOOTHING);
    let mut risen: Vec<Risen> = now
        .concepts
        .iter()
        .filter(|(_, documents)| **documents >= least)
        .map(|(concept, documents)| {
            let earlier = before.concepts.get(concept).copied().unwrap_or(0);
            let growth = share(*documents, now.documents) / share(earlier, before.documents);
            (concept.clone(), *documents, earlier, growth)
        })
        .filter(|(.., growth)| *growth >= LEAST_GROWTH)
        .collect();
    risen.sort_by(|a, b| b.3.total_cmp(&a.3).then(b.1.cmp(&a.1)).then_with(|| a.0.cmp(&b.0)));
    risen.truncate(MOST);
    risen
}

async fn named(
    connection: &mut PgConnection,
    workspace: Uuid,
    risen: Vec<Risen>,
) -> Result<Vec<RisingConcept>, Problem> {
    let keys: Vec<String> = risen.iter().map(|(concept, ..)| concept.clone()).collect();
    let rows = sqlx::query!(
        "select concept, name, category from concept where workspace_id = $1 and concept = any($2)",
        workspace,
        &keys
    )
    .fetch_all(connection)
    .await?;
    let mut names: HashMap<String, (String, String)> =
        rows.into_iter().map(|row| (row.concept, (row.name, row.category))).collect();
    let named = |(concept, documents, documents_before, growth): Risen| {
        let (name, category) = names.remove(&concept)?;
        Some(RisingConcept { concept, name, category, documents, documents_before, growth })
    };
    Ok(risen.into_iter().filter_map(named).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(documents: i64, concepts: &[(&str, i64)]) -> Period {
        let concepts = concepts.iter().map(|(concept, documents)| ((*concept).to_owned(), *documents)).collect();
        Period { documents, concepts }
    }

    #[test]
    fn a_share_rises_not_a_number() {
        let before = period(100, &[("steady", 10), ("rising", 10), ("falling", 50)]);
        let now = period(200, &[("steady", 20), ("rising", 80), ("falling", 50), ("rare", 2)]);
        let risen = risen(&now, &before, 3);
        assert_eq!(risen.iter().map(|risen| risen.0.as_str()).collect::<Vec<_>>(), ["rising"]);
        assert!(risen[0].3 > 3.0 && risen[0].3 < 4.0);
    }

    #[test]
    fn nothing_rises_from_nothing() {
        assert!(risen(&period(10, &[("new", 10)]), &Period::default(), 3).is_empty());
    }
}
