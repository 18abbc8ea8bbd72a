//! The tables `near_band` and `near_duplicate`: for each document in use the earliest one that is nearly the same. A
//! function of the documents as they are now; documents are found by the bands that their sketches share (locality-
//! sensitive hashing), so that no two are compared without reason.

use super::Key;
use super::touched::Touched;
use crate::apply::{Error, to_i64};
use analysis::near::{NEAR, Sketch};
use events::{DocumentId, WorkspaceId};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Earliest documents of a band that are compared.
const CANDIDATES: i64 = 3;

/// Brings both tables in line with the touched documents.
pub(super) async fn save(connection: &mut PgConnection, touched: &[(Key, &Touched)]) -> Result<(), Error> {
    let changed: Vec<&(Key, &Touched)> = touched.iter().filter(|(_, touched)| is_changed(touched)).collect();
    if changed.is_empty() {
        return Ok(());
    }
    // Only a document that was there before can have later ones that point to it, or should.
    let known: Vec<_> = changed.iter().copied().filter(|(_, touched)| touched.before.is_some()).collect();
    let mut affected = later(connection, &known).await?;
    replace_bands(connection, &changed, &known).await?;
    for (key, touched) in changed {
        let document = &touched.document;
        let sketch = if document.is_trashed { Sketch::default() } else { document.sketch.clone() };
        affected.insert(*key, Place { arrival: to_i64(document.arrival), sketch });
    }
    compare(connection, &affected).await
}

/// Where a document stands among the others: when it arrived, and its wording; none in the trash.
struct Place {
    arrival: i64,
    sketch: Sketch,
}

/// Whether the document's place among the others has changed.
fn is_changed(touched: &Touched) -> bool {
    touched.before.as_ref().is_none_or(|before| {
        before.is_trashed != touched.document.is_trashed || before.sketch != touched.document.sketch
    })
}

/// Documents that arrived later than some and share a band with them, as they were or as they are.
async fn later(connection: &mut PgConnection, known: &[&(Key, &Touched)]) -> Result<BTreeMap<Key, Place>, Error> {
    // Each band once, from the earliest: many nearly equal documents that change together are not joined with one another.
    let mut bands: BTreeMap<(Uuid, i64), i64> = BTreeMap::new();
    for (key, touched) in known {
        let before = touched.before.iter().flat_map(|before| before.sketch.bands());
        for band in before.chain(touched.document.sketch.bands()) {
            let arrival = to_i64(touched.document.arrival);
            let earliest = bands.entry((key.0.0, band)).or_insert(arrival);
            *earliest = arrival.min(*earliest);
        }
    }
    if bands.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query_as!(
        Later,
        "select distinct k.workspace_id, k.document_id, k.arrival, k.sketch
         from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as changed (workspace_id, band, arrival)
         join near_band at on at.workspace_id = changed.workspace_id and at.band = changed.band
                           and at.arrival > changed.arrival
         join document_knowledge k on k.workspace_id = at.workspace_id and k.document_id = at.document_id",
        &bands.keys().map(|band| band.0).collect::<Vec<_>>(),
        &bands.keys().map(|band| band.1).collect::<Vec<_>>(),
        &bands.values().copied().collect::<Vec<_>>()
    )
    .fetch_all(connection)
    .await?;
    let place = |row| {
        let Later { workspace_id, document_id, arrival, sketch } = row;
        Ok(((WorkspaceId(workspace_id), DocumentId(document_id)), Place { arrival, sketch: read(&sketch)? }))
    };
    rows.into_iter().map(place).collect()
}

/// A document that arrived later.
struct Later {
    workspace_id: Uuid,
    document_id: Uuid,
    arrival: i64,
    sketch: Vec<u8>,
}

fn read(sketch: &[u8]) -> Result<Sketch, Error> {
    Sketch::from_bytes(sketch).ok_or(Error::Unreadable("sketch"))
}

async fn replace_bands(
    connection: &mut PgConnection,
    changed: &[&(Key, &Touched)],
    known: &[&(Key, &Touched)],
) -> Result<(), sqlx::Error> {
    let mut gone: Vec<(Uuid, i64, i64)> = Vec::new();
    for (key, touched) in known {
        for band in touched.before.iter().flat_map(|before| before.sketch.bands()) {
            gone.push((key.0.0, band, to_i64(touched.document.arrival)));
        }
    }
    if !gone.is_empty() {
        sqlx::query!(
            "delete from near_band as at using unnest($1::uuid[], $2::bigint[], $3::bigint[]) as gone (workspace_id, band, arrival)
             where at.workspace_id = gone.workspace_id and at.band = gone.band and at.arrival = gone.arrival",
            &gone.iter().map(|band| band.0).collect::<Vec<_>>(),
            &gone.iter().map(|band| band.1).collect::<Vec<_>>(),
            &gone.iter().map(|band| band.2).collect::<Vec<_>>()
        )
        .execute(&mut *connection)
        .await?;
    }
    let mut new: BTreeSet<(Uuid, i64, i64, Uuid)> = BTreeSet::new();
    for (key, touched) in changed.iter().filter(|(_, touched)| !touched.document.is_trashed) {
        for band in touched.document.sketch.bands() {
            new.insert((key.0.0, band, to_i64(touched.document.arrival), key.1.0));
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into near_band (workspace_id, band, arrival, document_id)
         select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::uuid[])",
        &new.iter().map(|band| band.0).collect::<Vec<_>>(),
        &new.iter().map(|band| band.1).collect::<Vec<_>>(),
        &new.iter().map(|band| band.2).collect::<Vec<_>>(),
        &new.iter().map(|band| band.3).collect::<Vec<_>>()
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Finds for each of some documents the earliest one that is nearly the same.
async fn compare(connection: &mut PgConnection, affected: &BTreeMap<Key, Place>) -> Result<(), Error> {
    sqlx::query!(
        "delete from near_duplicate as at using unnest($1::uuid[], $2::uuid[]) as gone (workspace_id, document_id)
         where at.workspace_id = gone.workspace_id and at.document_id = gone.document_id",
        &affected.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &affected.keys().map(|key| key.1.0).collect::<Vec<_>>()
    )
    .execute(&mut *connection)
    .await?;
    let mut near: BTreeMap<Key, (i64, Uuid, f32)> = BTreeMap::new();
    for candidate in candidates(connection, affected).await? {
        let key = (WorkspaceId(candidate.workspace_id), DocumentId(candidate.document_id));
        let Some(place) = affected.get(&key) else { continue };
        let resemblance = place.sketch.resemblance(&read(&candidate.sketch)?);
        let is_earlier = near.get(&key).is_none_or(|(arrival, ..)| candidate.arrival < *arrival);
        if resemblance >= NEAR && is_earlier {
            near.insert(key, (candidate.arrival, candidate.other_id, resemblance));
        }
    }
    if near.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into near_duplicate (workspace_id, document_id, of_id, resemblance)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::real[])",
        &near.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &near.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &near.values().map(|(_, of, _)| *of).collect::<Vec<_>>(),
        &near.values().map(|(.., resemblance)| *resemblance).collect::<Vec<_>>()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// An earlier document that shares a band with one.
struct Candidate {
    workspace_id: Uuid,
    document_id: Uuid,
    other_id: Uuid,
    arrival: i64,
    sketch: Vec<u8>,
}

async fn candidates(
    connection: &mut PgConnection,
    affected: &BTreeMap<Key, Place>,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let mut bands: Vec<(Uuid, Uuid, i64, i64)> = Vec::new();
    for (key, place) in affected {
        bands.extend(place.sketch.bands().into_iter().map(|band| (key.0.0, key.1.0, band, place.arrival)));
    }
    sqlx::query_as!(
        Candidate,
        r#"select distinct b.workspace_id as "workspace_id!", b.document_id as "document_id!",
                  k.document_id as "other_id!", k.arrival as "arrival!", k.sketch as "sketch!"
           from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[])
                as b (workspace_id, document_id, band, arrival)
           cross join lateral (
               select e.document_id from near_band e
               where e.workspace_id = b.workspace_id and e.band = b.band and e.arrival < b.arrival
               order by e.arrival limit $5
           ) as earlier
           join document_knowledge k on k.workspace_id = b.workspace_id and k.document_id = earlier.document_id"#,
        &bands.iter().map(|band| band.0).collect::<Vec<_>>(),
        &bands.iter().map(|band| band.1).collect::<Vec<_>>(),
        &bands.iter().map(|band| band.2).collect::<Vec<_>>(),
        &bands.iter().map(|band| band.3).collect::<Vec<_>>(),
        CANDIDATES
    )
    .fetch_all(connection)
    .await
}
