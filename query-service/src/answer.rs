//! What answers have in common: entity tags, how far they show the log, where the next page is, how they can fail.

use poem::http::StatusCode;
use poem_openapi::ApiResponse;
use poem_openapi::types::Type;
use runtime::http::{Problem, RawJson, Statuses};

/// One view.
#[derive(ApiResponse)]
pub(crate) enum Found<T: Type + Send> {
    /// What was asked for.
    #[oai(status = 200)]
    Found(
        RawJson<T>,
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

/// A page of a list.
#[derive(ApiResponse)]
pub(crate) enum FoundPage<T: Type + Send> {
    /// The page.
    #[oai(status = 200)]
    Found(
        RawJson<T>,
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

const MALFORMED: (u16, &str) = (400, "Malformed request, or `after_this_past`.");
const MALFORMED_PAGE: (u16, &str) = (400, "Malformed request, `invalid_cursor`, or `after_this_past`.");
const UNAUTHORIZED: (u16, &str) = (401, "`unauthorized`: no valid access token.");
const NO_DOCUMENT: (u16, &str) = (404, "`document_not_found`: the caller has no such document.");
const NO_CONCEPT: (u16, &str) = (404, "`concept_not_found`: no document of the caller ever had such a concept.");
const NO_CLUSTER: (u16, &str) = (404, "`cluster_not_found`: the caller has no such cluster.");
const CLUSTER_GONE: (u16, &str) =
    (410, "`cluster_merged`: it is part of another, whose id `detail` ends with; or `cluster_dissolved`.");
const UNAVAILABLE: (u16, &str) = (503, "`not_yet_visible`, or a needed part is away; retry.");

/// How reading one document can fail.
pub(crate) struct DocumentStatuses;

impl Statuses for DocumentStatuses {
    const ALL: &'static [(u16, &'static str)] = &[MALFORMED, UNAUTHORIZED, NO_DOCUMENT, UNAVAILABLE];
}

/// How reading a list can fail.
pub(crate) struct ListStatuses;

impl Statuses for ListStatuses {
    const ALL: &'static [(u16, &'static str)] = &[MALFORMED_PAGE, UNAUTHORIZED, UNAVAILABLE];
}

/// How reading what the workspace always has can fail.
pub(crate) struct WorkspaceStatuses;

impl Statuses for WorkspaceStatuses {
    const ALL: &'static [(u16, &'static str)] = &[MALFORMED, UNAUTHORIZED, UNAVAILABLE];
}

/// How reading one concept can fail.
pub(crate) struct ConceptStatuses;

impl Statuses for ConceptStatuses {
    const ALL: &'static [(u16, &'static str)] = &[MALFORMED_PAGE, UNAUTHORIZED, NO_CONCEPT, UNAVAILABLE];
}

/// How reading one cluster can fail.
pub(crate) struct ClusterStatuses;

impl Statuses for ClusterStatuses {
    const ALL: &'static [(u16, &'static str)] = &[MALFORMED_PAGE, UNAUTHORIZED, NO_CLUSTER, CLUSTER_GONE, UNAVAILABLE];
}

/// 404: no such document.
pub(crate) fn document_not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "document_not_found", "there is no such document")
}

/// The request's own address with another cursor.
pub(crate) fn next_link(request: &poem::Request, cursor: &str) -> String {
    let uri = request.original_uri();
    let others =
        uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let query: String = others.map(|pair| format!("{pair}&")).collect();
    format!("<{}?{query}cursor={cursor}>; rel=\"next\"", uri.path())
}

/// Cuts a list that was read one longer than its page, and says where the page ended if there is more.
pub(crate) fn cut<T>(rows: &mut Vec<T>, limit: u32, end: impl FnOnce(&T) -> String) -> Option<String> {
    let limit = limit as usize;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    rows.last().filter(|_| has_more).map(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_with_a_cursor_only_if_there_is_more() {
        let (mut full, mut last) = (vec![1, 2, 3], vec![1, 2]);
        assert_eq!(cut(&mut full, 2, ToString::to_string), Some("2".to_owned()));
        assert_eq!((full, cut(&mut last, 2, ToString::to_string)), (vec![1, 2], None));
    }
}
