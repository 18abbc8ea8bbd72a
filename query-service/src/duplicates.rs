//! Documents that are there more than once: with the same text, or nearly the same.

use crate::answer::{self, FoundPage, ListStatuses};
use crate::config::Pages;
use crate::cursor;
use crate::section::Section;
use crate::tables::{Of, Tables};
use chrono::{DateTime, Utc};
use poem_openapi::param::{Header, Query};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object, OpenApi};
use runtime::http::{Authorized, Problem, Refused, example};
use serde::Serialize;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// The names of both lists in their cursors.
const SAME: &str = "same";
const NEAR: &str = "near";

/// The route of duplicates.
pub(crate) struct Api {
    pub(crate) tables: Tables,
    pub(crate) pages: Pages,
}

/// How much the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub(crate) enum DuplicateKind {
    /// The same text to the byte.
    #[default]
    Exact,
    /// Nearly the same wording.
    Near,
}

/// A document of a group.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct DuplicateDocument {
    /// Its id.
    id: Uuid,
    /// Its title.
    title: String,
    /// When it was uploaded.
    created_at: DateTime<Utc>,
    /// Estimated share of the wording that it has in common with an earlier one of the group, 0 to 1; absent for the
    /// earliest.
    #[serde(skip_serializing_if = "Option::is_none")]
    resemblance: Option<f32>,
}

/// Documents that are the same, or nearly.
#[derive(Serialize, Object)]
pub(crate) struct DuplicateGroup {
    /// The documents, the earliest first; the first of them if they are more than a page may have.
    documents: Vec<DuplicateDocument>,
    /// How many there are.
    count: i64,
}

/// A page of groups.
#[derive(Serialize, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub(crate) struct DuplicateList {
    /// The groups, in no order that means anything, but the same on every page.
    groups: Vec<DuplicateGroup>,
    /// Give it as `cursor`, with the same kind, for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl Example for DuplicateList {
    fn example() -> Self {
        let earlier = DuplicateDocument {
            id: example::OTHER_DOCUMENT,
            title: example::OTHER_TITLE.to_owned(),
            created_at: example::other_uploaded_at(),
            resemblance: None,
        };
        let later = DuplicateDocument {
            id: example::DOCUMENT,
            title: example::TITLE.to_owned(),
            created_at: example::uploaded_at(),
            resemblance: Some(0.875),
        };
        Self { groups: vec![DuplicateGroup { documents: vec![earlier, later], count: 2 }], next_cursor: None }
    }
}

/// A document with the group that it belongs to.
struct Member<Group> {
    group: Group,
    document_id: Uuid,
    title: String,
    created_at: DateTime<Utc>,
    resemblance: Option<f32>,
    count: i64,
}

#[OpenApi(tag = "Section::Documents")]
impl Api {
    /// Duplicates
    ///
    /// Groups of documents in use that have the same text, or nearly the same wording. To make one of two, merge it into
    /// the other with `POST /v1/documents/{id}/merge` of the command-service.
    #[oai(path = "/v1/duplicates", method = "get", operation_id = "list_duplicates")]
    #[expect(clippy::too_many_arguments, reason = "each is a documented parameter of the operation")]
    async fn list(
        &self,
        Authorized(caller): Authorized,
        /// How much the same.
        #[oai(default)]
        kind: Query<DuplicateKind>,
        /// Most groups of the page; 50 if absent, at most 200, unless configured otherwise.
        #[oai(validator(minimum(value = "1")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
        request: &poem::Request,
    ) -> Result<FoundPage<DuplicateList>, Refused<ListStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Knowledge, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.page_not_modified());
        }
        let (limit, cursor, most) = (self.pages.limit(limit.0), cursor.0.as_deref(), self.pages.most);
        let page = match kind.0 {
            DuplicateKind::Exact => exact(snapshot.connection(), caller.workspace.0, limit, cursor, most).await?,
            DuplicateKind::Near => near(snapshot.connection(), caller.workspace.0, limit, cursor, most).await?,
        };
        Ok(snapshot.page(request, &page, page.next_cursor.as_ref()))
    }
}

/// Reads a page of groups with the same text.
async fn exact(
    connection: &mut PgConnection,
    workspace: Uuid,
    limit: u32,
    cursor: Option<&str>,
    most: u32,
) -> Result<DuplicateList, Problem> {
    let after: String = cursor.map_or_else(|| Ok(String::new()), |text| cursor::read(SAME, text))?;
    let mut groups = sqlx::query_scalar!(
        "select sha256 from document_knowledge where workspace_id = $1 and not is_trashed and sha256 > $2
         group by sha256 having count(*) > 1 order by sha256 limit $3",
        workspace,
        after,
        i64::from(limit) + 1
    )
    .fetch_all(&mut *connection)
    .await?;
    let next_cursor = answer::cut(&mut groups, limit, |last| cursor::write(SAME, last));
    let members = sqlx::query_as!(
        Member,
        r#"select asked.sha256 as "group!", m.document_id, m.title, m.created_at, m.resemblance, m.count as "count!"
           from unnest($2::text[]) as asked (sha256)
           cross join lateral (
               select document_id, title, created_at, arrival, count(*) over () as count,
                      case when row_number() over (order by arrival) > 1 then 1::real end as resemblance
               from document_knowledge
               where workspace_id = $1 and sha256 = asked.sha256 and not is_trashed order by arrival limit $3
           ) as m
           order by m.arrival"#,
        workspace,
        &groups,
        i64::from(most)
    )
    .fetch_all(connection)
    .await?;
    Ok(DuplicateList { groups: gathered(groups, members), next_cursor })
}

/// Reads a page of groups with nearly the same wording: chains from one document to an earlier one end in the same.
async fn near(
    connection: &mut PgConnection,
    workspace: Uuid,
    limit: u32,
    cursor: Option<&str>,
    most: u32,
) -> Result<DuplicateList, Problem> {
    let after: Uuid = cursor.map_or(Ok(Uuid::nil()), |text| cursor::read(NEAR, text))?;
    let mut groups = sqlx::query_scalar!(
        "select of_id from near_duplicate n
         where workspace_id = $1 and of_id > $2
               and not exists (select from near_duplicate e where e.workspace_id = $1 and e.document_id = n.of_id)
         group by of_id order by of_id limit $3",
        workspace,
        after,
        i64::from(limit) + 1
    )
    .fetch_all(&mut *connection)
    .await?;
    let next_cursor = answer::cut(&mut groups, limit, |last| cursor::write(NEAR, last));
    let members = sqlx::query_as!(
        Member,
        r#"with recursive chain (group_id, document_id, resemblance) as (
               select id, id, null::real from unnest($2::uuid[]) as asked (id)
               union
               select c.group_id, n.document_id, n.resemblance
               from chain c join near_duplicate n on n.workspace_id = $1 and n.of_id = c.document_id
           ), numbered as (
               select c.group_id, k.document_id, k.title, k.created_at, c.resemblance,
                      row_number() over (partition by c.group_id order by k.arrival) as at,
                      count(*) over (partition by c.group_id) as count
               from chain c join document_knowledge k on k.workspace_id = $1 and k.document_id = c.document_id
           )
           select group_id as "group!", document_id, title, created_at, resemblance, count as "count!"
           from numbered where at <= $3 order by at"#,
        workspace,
        &groups,
        i64::from(most)
    )
    .fetch_all(connection)
    .await?;
    Ok(DuplicateList { groups: gathered(groups, members), next_cursor })
}

/// The groups in order, with their members in order.
fn gathered<Group: Eq + std::hash::Hash>(groups: Vec<Group>, members: Vec<Member<Group>>) -> Vec<DuplicateGroup> {
    let mut gathered: HashMap<Group, DuplicateGroup> = HashMap::new();
    for member in members {
        let Member { group, document_id, title, created_at, resemblance, count } = member;
        let group = gathered.entry(group).or_insert_with(|| DuplicateGroup { documents: Vec::new(), count });
        group.documents.push(DuplicateDocument { id: document_id, title, created_at, resemblance });
    }
    groups.into_iter().filter_map(|group| gathered.remove(&group)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_meet_in_the_order_of_their_groups() {
        let member = |group: u8, id: u128| Member {
            group,
            document_id: Uuid::from_u128(id),
            title: String::new(),
            created_at: DateTime::UNIX_EPOCH,
            resemblance: None,
            count: 2,
        };
        let groups = gathered(vec![7, 3, 9], vec![member(3, 1), member(7, 2), member(3, 4)]);
        let ids: Vec<Vec<u128>> =
            groups.iter().map(|group| group.documents.iter().map(|document| document.id.as_u128()).collect()).collect();
        assert_eq!(ids, [vec![2], vec![1, 4]]);
    }
}
