//! The table `document_link`. Commands check a link when it is made; two that are made at once can still close a circle
//! together, and then the later one is void. Links are rare, so each is one statement, in the order of the log.

use super::Key;
use crate::numbers::to_i64;
use events::document::{Event, Link};
use sqlx::PgConnection;

/// What events made of links, in the order of the log.
#[derive(Default)]
pub(super) struct Links(Vec<Change>);

struct Change {
    key: Key,
    link: Link,
    sequence: u64,
    is_linked: bool,
}

impl Links {
    /// Takes what an event says of links.
    pub(super) fn evolve(&mut self, key: Key, sequence: u64, event: &Event) {
        match event {
            Event::Linked(linked) => self.0.push(Change { key, link: linked.link, sequence, is_linked: true }),
            Event::Unlinked(unlinked) => self.0.push(Change { key, link: unlinked.link, sequence, is_linked: false }),
            Event::Absorbed(absorbed) => {
                self.0.extend(absorbed.links.iter().map(|link| Change { key, link: *link, sequence, is_linked: true }));
            }
            Event::Uploaded(_)
            | Event::Revised(_)
            | Event::Retitled(_)
            | Event::Described(_)
            | Event::Tagged(_)
            | Event::Untagged(_)
            | Event::ConceptAdded(_)
            | Event::ConceptRemoved(_)
            | Event::MovedToCluster(_)
            | Event::ReleasedFromCluster(_)
            | Event::Merged(_)
            | Event::Assessed(_)
            | Event::Trashed(_)
            | Event::Restored(_) => {}
        }
    }

    /// Writes them; after the documents, whose arrival says whether a link's end was there.
    pub(super) async fn save(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        for Change { key, link, sequence, is_linked } in &self.0 {
            match is_linked {
                true => add(connection, *key, link, *sequence).await?,
                false => remove(connection, *key, link).await?,
            }
        }
        Ok(())
    }
}

async fn add(connection: &mut PgConnection, key: Key, link: &Link, sequence: u64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with recursive beyond (document_id) as (
             select $4::uuid
             union
             select l.to_id from beyond b
             join document_link l on l.workspace_id = $1 and l.document_id = b.document_id and l.relation = $3
             where not l.is_void and $5
         )
         insert into document_link (workspace_id, document_id, relation, to_id, is_void)
         select $1, $2, $3, $4,
                ($5 and exists (select from beyond where document_id = $2))
                or not exists (select from document_knowledge
                               where workspace_id = $1 and document_id = $4 and arrival < $6)
         on conflict do nothing",
        key.0.0,
        key.1.0,
        link.relation.name(),
        link.to.0,
        link.relation.is_directed(),
        to_i64(sequence)
    )
    .execute(connection)
    .await
    .map(drop)
}

async fn remove(connection: &mut PgConnection, key: Key, link: &Link) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from document_link where workspace_id = $1 and document_id = $2 and relation = $3 and to_id = $4",
        key.0.0,
        key.1.0,
        link.relation.name(),
        link.to.0
    )
    .execute(connection)
    .await
    .map(drop)
}
