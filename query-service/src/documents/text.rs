//! The text of a document: in the database when short, in the blob store when long.

use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::payload::{Payload, PlainText};
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use runtime::blobs::Blobs;
use runtime::http::{Problem, example};
use sqlx::PgConnection;
use uuid::Uuid;

/// A text, described with an example.
pub(crate) struct Text(pub(crate) String);

impl Payload for Text {
    const CONTENT_TYPE: &'static str = PlainText::<String>::CONTENT_TYPE;

    fn schema_ref() -> MetaSchemaRef {
        let example = Some(example::REVISED_TEXT.into());
        MetaSchemaRef::Inline(Box::new(MetaSchema { example, ..MetaSchema::new("string") }))
    }
}

impl IntoResponse for Text {
    fn into_response(self) -> Response {
        PlainText(self.0).into_response()
    }
}

/// A document's text.
#[derive(ApiResponse)]
pub(crate) enum FoundText {
    /// The text in UTF-8; its media type is the document's.
    #[oai(status = 200)]
    Found(
        Text,
        /// Entity tag: of the text and its media type.
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

/// Where a text stands.
pub(crate) struct Stored {
    pub(crate) sha256: String,
    pub(crate) media_type: String,
    text: Option<String>,
}

/// Finds a document's text.
pub(crate) async fn find(
    connection: &mut PgConnection,
    workspace: Uuid,
    document: Uuid,
) -> Result<Option<Stored>, Problem> {
    let stored = sqlx::query_as!(
        Stored,
        r#"select d.sha256, d.media_type, c.text as "text?"
           from document d left join document_content c using (workspace_id, document_id)
           where workspace_id = $1 and document_id = $2"#,
        workspace,
        document
    )
    .fetch_optional(connection)
    .await?;
    Ok(stored)
}

/// The entity tag of a text: the same letters in another media type are another answer.
pub(crate) fn etag(sha256: &str, media_type: &str) -> String {
    let subtype = media_type.rsplit('/').next().unwrap_or_default();
    format!("\"{sha256}-{subtype}\"")
}

impl Stored {
    /// The text itself.
    ///
    /// # Errors
    /// 503 when the blob store is away.
    pub(crate) async fn text(self, blobs: &Blobs) -> Result<String, Problem> {
        match self.text {
            Some(text) => Ok(text),
            None => Ok(blobs.text(&self.sha256).await?),
        }
    }
}
