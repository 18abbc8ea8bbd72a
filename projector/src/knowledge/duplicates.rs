//! The tables `near_band` and `near_duplicate`: for each document in use the earliest one that is nearly the same, of
//! those that it is compared with. They are found by the bands that sketches share (locality-sensitive hashing), so that no
//! two are compared without reason.
//!
//! In each band a document meets those that stand nearest before it, at most [`MET`]; of all that it meets in any band it
//! is compared with those that it meets in most, at most [`COMPARED`]. Which these are is a function of the documents in use
//! as they are now, however the log is cut into batches.
//!
//! That they are the nearest before, and not the first of the band, bounds the work where thousands are made after one form
//! or are nearly the same. A new document reads at most 320 rows (ten bands) and eight sketches. One that changes, goes or
//! comes back matters only to those that meet it: at most 320 as it was and 320 as it is, each compared anew as if it were
//! new; where all are nearly the same, they are the same 32 in every band. A large group is therefore chains, which lead
//! from one document to an earlier one and end at the first.

use super::Key;
use super::touched::Touched;
use crate::error::Error;
use crate::numbers::to_i64;
use analysis::near::{NEAR, Sketch};
use events::{DocumentId, WorkspaceId};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Documents that a document meets in a band, the nearest before it.
const MET: i64 = 32;
/// Of all that it meets, those that it is compared with: those met in most bands, of equals the earliest.
const COMPARED: i64 = 8;
/// Documents that are compared with their candidates in one statement, which bounds its memory.
const AT_ONCE: usize = 1_000;

/// Brings both tables in line with the touched documents.
pub(super) async fn save(connection: &mut PgConnection, touched: &[(Key, &Touched)]) -> Result<(), Error> {
    let changed: Vec<&(Key, &Touched)> = touched.iter().filter(|(_, touched)| is_changed(touched)).collect();
    if changed.is_empty() {
        return Ok(());
    }
    // Only a document that was there before can have later ones. Those that met it as it was, before the bands change, and
    // those that meet it as it is, after that, are all whose candidates are others now.
    let known: Vec<_> = changed.iter().copied().filter(|(_, touched)| touched.before.is_some()).collect();
    let was = bands(&known, |touched| {
        touched.before.as_ref().filter(|before| !before.is_trashed).map(|before| &before.sketch)
    });
    let is = bands(&known, |touched| Some(&touched.document).filter(|now| !now.is_trashed).map(|now| &now.sketch));
    let mut affected = later(connection, &was).await?;
    replace_bands(connection, &changed, &was).await?;
    affected.extend(later(connection, &is).await?);
    for (key, touched) in changed {
        let document = &touched.document;
        let sketch = if document.is_trashed { Sketch::default() } else { document.sketch.clone() };
        affected.insert(*key, Place { arrival: to_i64(document.arrival), sketch });
    }
    let affected: Vec<(Key, Place)> = affected.into_iter().collect();
    for part in affected.chunks(AT_ONCE) {
        compare(connection, part).await?;
    }
    Ok(())
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

/// A band that a document stands in: workspace, band, arrival.
type Band = (Uuid, i64, i64);

/// The bands that documents stand in, by the sketches that they have, or had.
fn bands<'t>(known: &[&'t (Key, &'t Touched)], sketch: impl Fn(&'t Touched) -> Option<&'t Sketch>) -> Vec<Band> {
    let of = |(key, touched): &&'t (Key, &'t Touched)| {
        let (workspace, arrival) = (key.0.0, to_i64(touched.document.arrival));
        let bands = sketch(touched).map(Sketch::bands).unwrap_or_default();
        bands.into_iter().map(move |band| (workspace, band, arrival))
    };
    known.iter().flat_map(of).collect()
}

/// Later documents that meet some that stand in these bands, as the table is now.
async fn later(connection: &mut PgConnection, bands: &[Band]) -> Result<BTreeMap<Key, Place>, Error> {
    if bands.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query_as!(
        Later,
        r#"select k.workspace_id as "workspace_id!", k.document_id as "document_id!", k.arrival as "arrival!",
                  k.sketch as "sketch!"
           from (select distinct changed.workspace_id, behind.document_id
                 from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as changed (workspace_id, band, arrival)
                 cross join lateral (
                     select at.document_id from near_band at
                     where at.workspace_id = changed.workspace_id and at.band = changed.band
                           and at.arrival > changed.arrival
                     order by at.arrival limit $4
                 ) as behind) as later
           join document_knowledge k on k.workspace_id = later.workspace_id and k.document_id = later.document_id"#,
        &bands.iter().map(|band| band.0).collect::<Vec<_>>(),
        &bands.iter().map(|band| band.1).collect::<Vec<_>>(),
        &bands.iter().map(|band| band.2).collect::<Vec<_>>(),
        MET
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
    gone: &[Band],
) -> Result<(), sqlx::Error> {
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
async fn compare(connection: &mut PgConnection, affected: &[(Key, Place)]) -> Result<(), Error> {
    sqlx::query!(
        "delete from near_duplicate as at using unnest($1::uuid[], $2::uuid[]) as gone (workspace_id, document_id)
         where at.workspace_id = gone.workspace_id and at.document_id = gone.document_id",
        &affected.iter().map(|(key, _)| key.0.0).collect::<Vec<_>>(),
        &affected.iter().map(|(key, _)| key.1.0).collect::<Vec<_>>()
    )
    .execute(&mut *connection)
    .await?;
    let places: BTreeMap<Key, &Place> = affected.iter().map(|(key, place)| (*key, place)).collect();
    let mut near: BTreeMap<Key, (i64, Uuid, f32)> = BTreeMap::new();
    for candidate in candidates(connection, affected).await? {
        let key = (WorkspaceId(candidate.workspace_id), DocumentId(candidate.document_id));
        let Some(place) = places.get(&key) else { continue };
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

/// An earlier document that one is compared with.
struct Candidate {
    workspace_id: Uuid,
    document_id: Uuid,
    other_id: Uuid,
    arrival: i64,
    sketch: Vec<u8>,
}

async fn candidates(connection: &mut PgConnection, affected: &[(Key, Place)]) -> Result<Vec<Candidate>, sqlx::Error> {
    let mut bands: Vec<(Uuid, Uuid, i64, i64)> = Vec::new();
    for (key, place) in affected {
        bands.extend(place.sketch.bands().into_iter().map(|band| (key.0.0, key.1.0, band, place.arrival)));
    }
    sqlx::query_as!(
        Candidate,
        r#"select met.workspace_id as "workspace_id!", met.document_id as "document_id!", k.document_id as "other_id!",
                  k.arrival as "arrival!", k.sketch as "sketch!"
           from (select b.workspace_id, b.document_id, before.document_id as other_id,
                        row_number() over (partition by b.workspace_id, b.document_id
                                           order by count(*) desc, before.arrival) as place
                 from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[])
                      as b (workspace_id, document_id, band, arrival)
                 cross join lateral (
                     select e.document_id, e.arrival from near_band e
                     where e.workspace_id = b.workspace_id and e.band = b.band and e.arrival < b.arrival
                     order by e.arrival desc limit $5
                 ) as before
                 group by b.workspace_id, b.document_id, before.document_id, before.arrival) as met
           join document_knowledge k on k.workspace_id = met.workspace_id and k.document_id = met.other_id
           where met.place <= $6"#,
        &bands.iter().map(|band| band.0).collect::<Vec<_>>(),
        &bands.iter().map(|band| band.1).collect::<Vec<_>>(),
        &bands.iter().map(|band| band.2).collect::<Vec<_>>(),
        &bands.iter().map(|band| band.3).collect::<Vec<_>>(),
        MET,
        COMPARED
    )
    .fetch_all(connection)
    .await
}
