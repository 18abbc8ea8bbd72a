//! The past of a document: as it was at a sequence or a time, its revisions, and what changed between two of them. What
//! happened stands in the table of histories; only an earlier text is read from the log, at the place where that says.

mod changes;
mod cluster;
mod diff;
mod revisions;
mod state;

use crate::answer::{self, Found, document_not_found};
use crate::config::{Overviews, Pages};
use crate::cursor;
use crate::heavy::Heavy;
use crate::section::Section;
use crate::tables::{Of, Tables};
use chrono::{DateTime, Utc};
use diff::RevisionDiff;
use poem::http::StatusCode;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use revisions::RevisionList;
pub(crate) use revisions::Texts;
use runtime::http::{Authorized, Problem, Refused, Statuses, if_none_match};
use state::PastDocument;
use uuid::Uuid;

use super::text::{self, FoundText, Text};

/// The routes of the past.
pub(crate) struct Api {
    pub(crate) tables: Tables,
    pub(crate) texts: Texts,
    pub(crate) pages: Pages,
    pub(crate) overviews: Overviews,
    pub(crate) heavy: Heavy,
}

/// How showing a document as it was can fail.
struct PastStatuses;

impl Statuses for PastStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request, or `after_this_past`."),
        (401, "`unauthorized`: no valid access token."),
        (404, "`document_not_found`: the caller had no such document then."),
        (422, "`too_many_changes`, or `text_too_long` to be analysed now: over a limit, which `detail` names."),
        (503, "`not_yet_visible`, or a needed part is away; retry."),
    ];
}

/// How reading one revision can fail.
struct RevisionStatuses;

impl Statuses for RevisionStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request, `invalid_cursor`, or `after_this_past`."),
        (401, "`unauthorized`: no valid access token."),
        (404, "`document_not_found`: the caller has no such document; `revision_not_found`: it had no such text."),
        (503, "`not_yet_visible`, or a needed part is away; retry."),
    ];
}

fn revision_not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "revision_not_found", "the document had no such revision")
}

#[OpenApi(tag = "Section::Documents")]
impl Api {
    /// A document as it was
    ///
    /// After the last change at or before a sequence or a time, with the concepts that its text of then and its users'
    /// corrections until then make, and the cluster that it stood in. 404 if it was not there yet. A document that has
    /// changed very often, or had a very long text that no analysis is remembered of, is refused. The cluster is that of
    /// `Syncboard-Sequence` where knowledge is behind what is asked for: with `min_sequence` it is waited for.
    #[oai(path = "/v1/documents/:id/past", method = "get", operation_id = "get_past_document")]
    async fn past(
        &self,
        Authorized(caller): Authorized,
        /// The document.
        id: Path<Uuid>,
        /// The sequence of the log; as it is now if both are absent.
        sequence: Query<Option<u64>>,
        /// The time (RFC 3339); of both the earlier holds.
        time: Query<Option<DateTime<Utc>>>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<Found<PastDocument>, Refused<PastStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Both, caller.workspace, min_sequence.0).await?;
        snapshot.also_depends_on(analysis::VERSION);
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.not_modified());
        }
        let (id, moment) = (id.0, changes::Moment { sequence: sequence.0, time: time.0 });
        let changes =
            changes::up_to(snapshot.connection(), caller.workspace.0, id, &moment, self.overviews.past_changes).await?;
        let past = state::fold(id, &changes).ok_or_else(document_not_found)?;
        let stood = cluster::of(snapshot.connection(), caller.workspace.0, id, &moment).await?;
        let past = past.with_cluster(stood);
        let remembered = past.remembered(snapshot.connection()).await?;
        let answered = snapshot.finish();
        let past = match remembered {
            Some(analysis) => past.with_concepts_of(analysis),
            None => {
                past.check_length(self.overviews.past_text)?;
                let turn = self.heavy.turn().await?;
                let text = self.texts.at(caller.workspace, id, past.content_sequence, &past.document.sha256).await?;
                let analysed = turn.run(move || {
                    let analysis = past.analyse(&text);
                    past.with_concepts_of(analysis)
                });
                analysed.await?
            }
        };
        Ok(answered.found(&past))
    }

    /// The revisions of a document
    ///
    /// Every text that it has had, the newest first.
    #[oai(path = "/v1/documents/:id/revisions", method = "get", operation_id = "list_revisions")]
    async fn revisions(
        &self,
        Authorized(caller): Authorized,
        /// The document.
        id: Path<Uuid>,
        /// Most revisions of the page; 50 if absent, at most 200, unless configured otherwise.
        #[oai(validator(minimum(value = "1")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<Found<RevisionList>, Refused<RevisionStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Documents, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.not_modified());
        }
        let before = cursor.0.as_deref().map_or(Ok(u32::MAX), |text| cursor::read(revisions::LIST, text))?;
        let limit = self.pages.limit(limit.0);
        let mut revisions = revisions::list(snapshot.connection(), caller.workspace.0, id.0, before, limit + 1).await?;
        if revisions.is_empty() && cursor.0.is_none() {
            return Err(document_not_found().into());
        }
        let next_cursor =
            answer::cut(&mut revisions, limit, |revision| cursor::write(revisions::LIST, &revision.revision));
        Ok(snapshot.found(&RevisionList { revisions, next_cursor }))
    }

    /// The text of a revision
    #[oai(path = "/v1/documents/:id/revisions/:revision", method = "get", operation_id = "get_revision")]
    async fn revision(
        &self,
        Authorized(caller): Authorized,
        /// The document.
        id: Path<Uuid>,
        /// Its number, from 1.
        revision: Path<u32>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<FoundText, Refused<RevisionStatuses>> {
        let (mut connection, visible) = self.tables.connection(Of::Documents, caller.workspace, min_sequence.0).await?;
        let found = revisions::one(&mut connection, caller.workspace.0, id.0, revision.0).await?;
        drop(connection);
        let found = found.ok_or_else(revision_not_found)?;
        let etag = text::etag(&found.sha256, &found.media_type);
        if if_none_match(none_match.0.as_deref(), &etag) {
            return Ok(FoundText::NotModified(etag, visible));
        }
        let text = self.texts.at(caller.workspace, id.0, found.sequence, &found.sha256).await?;
        let content_type = format!("{}; charset=utf-8", found.media_type);
        Ok(FoundText::Found(Text(text), etag, visible, content_type))
    }

    /// What changed between two revisions
    ///
    /// Line by line, as a unified diff.
    #[oai(path = "/v1/documents/:id/revisions/:revision/diff", method = "get", operation_id = "diff_revisions")]
    async fn diff(
        &self,
        Authorized(caller): Authorized,
        /// The document.
        id: Path<Uuid>,
        /// The later revision.
        revision: Path<u32>,
        /// The earlier one; the one before if absent.
        from: Query<Option<u32>>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<Found<RevisionDiff>, Refused<RevisionStatuses>> {
        let mut snapshot = self.tables.snapshot(Of::Documents, caller.workspace, min_sequence.0).await?;
        if snapshot.is_known(none_match.0.as_deref()) {
            return Ok(snapshot.not_modified());
        }
        let (to, from) = (revision.0, from.0.unwrap_or(revision.0.saturating_sub(1)));
        let mut pair = Vec::with_capacity(2);
        for number in [from, to] {
            let found = revisions::one(snapshot.connection(), caller.workspace.0, id.0, number).await?;
            pair.push(found.ok_or_else(revision_not_found)?);
        }
        if from > to {
            return Err(Problem::invalid_parameter("`from` is the earlier revision").into());
        }
        let answered = snapshot.finish();
        let turn = self.heavy.turn().await?;
        let mut texts = Vec::with_capacity(2);
        for found in &pair {
            texts.push(self.texts.at(caller.workspace, id.0, found.sequence, &found.sha256).await?);
        }
        let most = usize::try_from(self.overviews.compare_limit.as_u64()).unwrap_or(usize::MAX);
        let diff = turn.run(move || diff::of((from, &texts[0]), (to, &texts[1]), most)).await?;
        Ok(answered.found(&diff))
    }
}
