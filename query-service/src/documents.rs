//! Documents: one, many, their texts and their histories.

mod history;
mod list;
pub(crate) mod view;

use crate::config::Pages;
use crate::cursor;
use crate::hot::Hot;
use crate::statistics;
use crate::visibility::Visibility;
use chrono::{DateTime, Utc};
use events::DocumentId;
use history::History;
use list::{DocumentList, Order, Sort, StateFilter, Wanted};
use poem::http::StatusCode;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::PlainText;
use poem_openapi::{ApiResponse, OpenApi};
use runtime::blobs::Blobs;
use runtime::http::{Authorized, Problem, RawJson, Refused, SourceKind, Statuses, if_none_match};
use sqlx::PgPool;
use std::sync::Arc;
use uuid::Uuid;
use view::DocumentView;

/// The routes of documents.
pub(crate) struct Api {
    pub(crate) pool: PgPool,
    pub(crate) visibility: Visibility,
    pub(crate) hot: Arc<Hot>,
    pub(crate) blobs: Blobs,
    pub(crate) pages: Pages,
}

macro_rules! found {
    ($(#[$doc:meta])* $name:ident, $body:ty) => {
        $(#[$doc])*
        #[derive(ApiResponse)]
        pub(crate) enum $name {
            /// What was asked for.
            #[oai(status = 200)]
            Found(
                $body,
                /// Entity tag, for `If-None-Match`.
                #[oai(header = "ETag")]
                String,
                /// Up to where the answer shows the log.
                #[oai(header = "Syncboard-Sequence")]
                u64,
            ),
            /// The client has it already.
            #[oai(status = 304)]
            NotModified(
                /// Entity tag.
                #[oai(header = "ETag")]
                String,
                /// Up to where the answer shows the log.
                #[oai(header = "Syncboard-Sequence")]
                u64,
            ),
        }
    };
}

found!(
    /// One document.
    FoundDocument,
    RawJson<DocumentView>
);
found!(
    /// Its history.
    FoundHistory,
    RawJson<History>
);

/// A page of documents.
#[derive(ApiResponse)]
pub(crate) enum FoundList {
    /// The page.
    #[oai(status = 200)]
    Found(
        RawJson<DocumentList>,
        /// Entity tag, for `If-None-Match`; changes whenever anything in the workspace does.
        #[oai(header = "ETag")]
        String,
        /// Up to where the answer shows the log.
        #[oai(header = "Syncboard-Sequence")]
        u64,
        /// `<…>; rel="next"`: where the next page is (RFC 8288); absent on the last page.
        #[oai(header = "Link")]
        Option<String>,
    ),
    /// The client has it already.
    #[oai(status = 304)]
    NotModified(
        /// Entity tag.
        #[oai(header = "ETag")]
        String,
        /// Up to where the answer shows the log.
        #[oai(header = "Syncboard-Sequence")]
        u64,
    ),
}

/// A document's text.
#[derive(ApiResponse)]
pub(crate) enum FoundText {
    /// The text in UTF-8; its media type is the document's.
    #[oai(status = 200)]
    Found(
        PlainText<String>,
        /// Entity tag: the text's SHA-256.
        #[oai(header = "ETag")]
        String,
        /// Up to where the answer shows the log.
        #[oai(header = "Syncboard-Sequence")]
        u64,
        /// Media type of the text.
        #[oai(header = "Content-Type")]
        String,
    ),
    /// The client has it already.
    #[oai(status = 304)]
    NotModified(
        /// Entity tag.
        #[oai(header = "ETag")]
        String,
        /// Up to where the answer shows the log.
        #[oai(header = "Syncboard-Sequence")]
        u64,
    ),
}

/// How reading one document can fail.
pub(crate) struct ReadStatuses;

impl Statuses for ReadStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request."),
        (401, "`unauthorized`: no valid access token."),
        (404, "`document_not_found`: the caller has no such document."),
        (503, "`not_yet_visible`, or a needed part is away; retry."),
    ];
}

/// How reading a list can fail.
pub(crate) struct ListStatuses;

impl Statuses for ListStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request, or `invalid_cursor`."),
        (401, "`unauthorized`: no valid access token."),
        (503, "`not_yet_visible`, or a needed part is away; retry."),
    ];
}

#[OpenApi]
impl Api {
    /// One document
    ///
    /// Without its text, which is at `/v1/documents/{id}/content`. Documents in the trash are found too.
    #[oai(path = "/v1/documents/:id", method = "get", operation_id = "get_document")]
    async fn get(
        &self,
        Authorized(caller): Authorized,
        /// The document.
        id: Path<Uuid>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<FoundDocument, Refused<ReadStatuses>> {
        let answer = self.hot.get(caller.workspace, DocumentId(id.0), min_sequence.0).await?.ok_or_else(not_found)?;
        let etag = format!("\"{}\"", answer.sequence);
        if if_none_match(none_match.0.as_deref(), &etag) {
            return Ok(FoundDocument::NotModified(etag, answer.visible));
        }
        Ok(FoundDocument::Found(RawJson::from_text(answer.body), etag, answer.visible))
    }

    /// Documents
    ///
    /// A page of the caller's documents, newest change first unless asked otherwise. Pages go on by cursor, so none is
    /// repeated or left out by what changes meanwhile, unless its own sort key changes.
    #[oai(path = "/v1/documents", method = "get", operation_id = "list_documents")]
    #[expect(clippy::too_many_arguments, reason = "each is a documented parameter of the operation")]
    async fn list(
        &self,
        Authorized(caller): Authorized,
        /// Only documents with all of these tags.
        #[oai(default)]
        tag: Query<Vec<String>>,
        /// Only documents from such an origin.
        source: Query<Option<SourceKind>>,
        /// Only documents in this state.
        #[oai(default)]
        state: Query<StateFilter>,
        /// Only documents uploaded at or after this time (RFC 3339).
        created_after: Query<Option<DateTime<Utc>>>,
        /// Only documents uploaded before this time.
        created_before: Query<Option<DateTime<Utc>>>,
        /// Only documents changed at or after this time.
        updated_after: Query<Option<DateTime<Utc>>>,
        /// Only documents changed before this time.
        updated_before: Query<Option<DateTime<Utc>>>,
        /// What to sort by.
        #[oai(default)]
        sort: Query<Sort>,
        /// In which direction.
        #[oai(default)]
        order: Query<Order>,
        /// Most documents of the page; 50 if absent, at most 200, unless configured otherwise.
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
    ) -> Result<FoundList, Refused<ListStatuses>> {
        let visible = self.visibility.at_least(min_sequence.0).await?;
        let wanted = Wanted {
            workspace: caller.workspace.0,
            tags: tag.0.iter().map(|tag| tag.trim().to_lowercase()).collect(),
            source: source.0,
            state: state.0,
            created_after: created_after.0,
            created_before: created_before.0,
            updated_after: updated_after.0,
            updated_before: updated_before.0,
            sort: sort.0,
            order: order.0,
            limit: limit.0.unwrap_or(self.pages.usual).min(self.pages.most),
            cursor: cursor.0,
        };
        // Read before the page: a change in between makes the tag too old, which costs a read and hides nothing.
        let etag = statistics::etag(&self.pool, caller.workspace.0).await.map_err(Problem::from)?;
        if if_none_match(none_match.0.as_deref(), &etag) {
            return Ok(FoundList::NotModified(etag, visible));
        }
        let page = list::read(&self.pool, &wanted).await?;
        let link = page.next_cursor.as_ref().map(|next| next_link(request, next));
        Ok(FoundList::Found(RawJson::of(&page), etag, visible, link))
    }

    /// The text of a document
    #[oai(path = "/v1/documents/:id/content", method = "get", operation_id = "get_document_content")]
    async fn content(
        &self,
        Authorized(caller): Authorized,
        /// The document.
        id: Path<Uuid>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<FoundText, Refused<ReadStatuses>> {
        let visible = self.visibility.at_least(min_sequence.0).await?;
        let row = sqlx::query!(
            r#"select d.sha256, d.media_type, c.text as "text?"
               from document d left join document_content c using (workspace_id, document_id)
               where workspace_id = $1 and document_id = $2"#,
            caller.workspace.0,
            id.0
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(Problem::from)?
        .ok_or_else(not_found)?;
        let etag = format!("\"{}\"", row.sha256);
        if if_none_match(none_match.0.as_deref(), &etag) {
            return Ok(FoundText::NotModified(etag, visible));
        }
        let text = match row.text {
            Some(text) => text,
            None => self.blob(&row.sha256).await?,
        };
        Ok(FoundText::Found(PlainText(text), etag, visible, format!("{}; charset=utf-8", row.media_type)))
    }

    /// The history of a document
    ///
    /// Who changed what when, newest first, from the events themselves.
    #[oai(path = "/v1/documents/:id/history", method = "get", operation_id = "get_document_history")]
    #[expect(clippy::too_many_arguments, reason = "each is a documented parameter of the operation")]
    async fn history(
        &self,
        Authorized(caller): Authorized,
        /// The document.
        id: Path<Uuid>,
        /// Only changes of this kind, such as `revised`.
        kind: Query<Option<String>>,
        /// Most changes of the page; 50 if absent, at most 200, unless configured otherwise.
        #[oai(validator(minimum(value = "1")))]
        limit: Query<Option<u32>>,
        /// The `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// Wait until the answer shows at least this sequence.
        min_sequence: Query<Option<u64>>,
        /// Answer 304 if the entity tag is still this.
        #[oai(name = "If-None-Match")]
        none_match: Header<Option<String>>,
    ) -> Result<FoundHistory, Refused<ReadStatuses>> {
        let document = self.hot.get(caller.workspace, DocumentId(id.0), min_sequence.0).await?.ok_or_else(not_found)?;
        let etag = format!("\"{}\"", document.sequence);
        if if_none_match(none_match.0.as_deref(), &etag) {
            return Ok(FoundHistory::NotModified(etag, document.visible));
        }
        let before = cursor.0.as_deref().map_or(Ok(u64::MAX), cursor::read)?;
        let limit = limit.0.unwrap_or(self.pages.usual).min(self.pages.most);
        let mut changes = history::read(&self.pool, caller.workspace.0, id.0, kind.0.as_deref(), before, limit + 1)
            .await
            .map_err(Problem::from)?;
        let has_more = changes.len() > limit as usize;
        changes.truncate(limit as usize);
        let next_cursor = changes.last().filter(|_| has_more).map(|change| cursor::write(&change.sequence));
        Ok(FoundHistory::Found(RawJson::of(&History { changes, next_cursor }), etag, document.visible))
    }
}

impl Api {
    /// A text that stands in the blob store.
    async fn blob(&self, sha256: &str) -> Result<String, Problem> {
        let bytes = self.blobs.get(sha256).await?;
        bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
            tracing::error!(sha256, "a text that a document names is not in the blob store");
            Problem::internal()
        })
    }
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "document_not_found", "there is no such document")
}

/// The request's own address with another cursor.
fn next_link(request: &poem::Request, cursor: &str) -> String {
    let uri = request.original_uri();
    let others =
        uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let query: String = others.map(|pair| format!("{pair}&")).collect();
    format!("<{}?{query}cursor={cursor}>; rel=\"next\"", uri.path())
}
