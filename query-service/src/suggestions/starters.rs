//! Documents to begin with: those that have most of a suggestion's concepts.

use analysis::suggestions::Suggestion;
use poem_openapi::Object;
use poem_openapi::types::Example;
use runtime::http::{Problem, example};
use serde::Serialize;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// Documents of each concept that are looked at, those that are surest about it, and documents of a suggestion.
const OF_CONCEPT: i64 = 60;
const MOST: i64 = 5;

/// A document to begin with.
#[derive(Serialize, Object)]
#[oai(rename = "SuggestedDocument")]
pub(crate) struct Starter {
    /// Its id.
    id: Uuid,
    /// Its title.
    title: String,
}

impl Example for Starter {
    fn example() -> Self {
        Self { id: example::DOCUMENT, title: example::TITLE.to_owned() }
    }
}

/// Documents for each suggestion, by its place.
pub(super) async fn read(
    connection: &mut PgConnection,
    workspace: Uuid,
    suggestions: &[Suggestion],
) -> Result<HashMap<i32, Vec<Starter>>, Problem> {
    let (mut at, mut concepts): (Vec<i32>, Vec<&str>) = (Vec::new(), Vec::new());
    let (mut restricted, mut clusters): (Vec<i32>, Vec<Uuid>) = (Vec::new(), Vec::new());
    for (place, suggestion) in (0..).zip(suggestions) {
        for concept in &suggestion.concepts {
            at.push(place);
            concepts.push(concept);
        }
        if suggestion.is_of_clusters {
            restricted.extend(suggestion.clusters.iter().map(|_| place));
            clusters.extend(&suggestion.clusters);
        }
    }
    let rows = sqlx::query!(
        r#"with wanted as (select * from unnest($2::integer[], $3::text[]) as w (at, concept)),
           within as (select * from unnest($4::integer[], $5::uuid[]) as c (at, cluster_id)),
           found as (
               select w.at, d.document_id, count(*) as shared, sum(d.confidence) as confidence
               from wanted w cross join lateral (
                   select document_id, confidence from document_concept
                   where workspace_id = $1 and concept = w.concept order by confidence desc, document_id limit $6
               ) as d
               group by w.at, d.document_id
           ), placed as (
               select f.at, k.document_id, k.title,
                      row_number() over (partition by f.at order by f.shared desc, f.confidence desc, k.document_id) as place
               from found f join document_knowledge k on k.workspace_id = $1 and k.document_id = f.document_id
               where not exists (select from within c where c.at = f.at)
                     or exists (select from within c where c.at = f.at and c.cluster_id = k.cluster_id)
           )
           select at as "at!", document_id as "id!", title as "title!" from placed where place <= $7 order by at, place"#,
        workspace,
        &at,
        &concepts as _,
        &restricted,
        &clusters,
        OF_CONCEPT,
        MOST
    )
    .fetch_all(connection)
    .await?;
    let mut starters: HashMap<i32, Vec<Starter>> = HashMap::new();
    for row in rows {
        starters.entry(row.at).or_default().push(Starter { id: row.id, title: row.title });
    }
    Ok(starters)
}
