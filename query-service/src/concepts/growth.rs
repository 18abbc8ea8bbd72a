//! How a concept has spread over time.

use super::one::Known;
use crate::interval::{self, Interval};
use chrono::{DateTime, NaiveDate, Utc};
use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::{Problem, example};
use serde::Serialize;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Which part of time is asked for.
pub(super) struct Range {
    pub(super) interval: Interval,
    pub(super) from: Option<DateTime<Utc>>,
    pub(super) to: Option<DateTime<Utc>>,
    pub(super) most: u32,
}

/// A day, a week or a month.
#[derive(Serialize, Object)]
pub(crate) struct ConceptInterval {
    /// Its first day.
    start: NaiveDate,
    /// Documents with the concept that were uploaded in it.
    documents: i64,
    /// Documents with the concept that were uploaded up to its end.
    cumulative: i64,
}

/// How a concept has spread.
#[derive(Serialize, Object)]
#[oai(example)]
pub(crate) struct ConceptGrowth {
    /// The concept's key.
    concept: String,
    /// How it is written.
    name: String,
    /// How many documents in use have it.
    documents: i64,
    /// The intervals in order.
    intervals: Vec<ConceptInterval>,
}

impl Example for ConceptGrowth {
    fn example() -> Self {
        let [first, second] = [example::other_uploaded_at(), example::uploaded_at()].map(|at| at.date_naive());
        Self {
            concept: example::CONCEPT_KEY.to_owned(),
            name: example::concept(),
            documents: 2,
            intervals: vec![
                ConceptInterval { start: first, documents: 1, cumulative: 1 },
                ConceptInterval { start: second, documents: 1, cumulative: 2 },
            ],
        }
    }
}

/// Reads how a concept has spread.
pub(super) async fn read(
    connection: &mut PgConnection,
    workspace: Uuid,
    concept: Known,
    range: Range,
) -> Result<ConceptGrowth, Problem> {
    interval::check(range.from, range.to)?;
    let rows = sqlx::query!(
        r#"select date_trunc($3, created_at at time zone 'UTC')::date as "start!", count(*) as "documents!",
                  count(*) filter (where created_at < $4) as "before!"
           from document_concept
           where workspace_id = $1 and concept = $2 and ($5::timestamptz is null or created_at < $5)
           group by 1"#,
        workspace,
        concept.concept,
        range.interval.name(),
        range.from,
        range.to
    )
    .fetch_all(connection)
    .await?;
    let all: i64 = rows.iter().map(|row| row.documents).sum();
    let counted: BTreeMap<NaiveDate, i64> = rows
        .into_iter()
        .map(|row| (row.start, row.documents - row.before))
        .filter(|(_, documents)| *documents > 0)
        .collect();
    let intervals = range.interval.fill(&counted, range.from, range.to, range.most);
    let shown: i64 = intervals.iter().map(|(_, documents)| documents).sum();
    let mut cumulative = all - shown;
    let intervals = intervals
        .into_iter()
        .map(|(start, documents)| {
            cumulative += documents;
            ConceptInterval { start, documents, cumulative }
        })
        .collect();
    let Known { concept, name, documents, .. } = concept;
    Ok(ConceptGrowth { concept, name, documents, intervals })
}
