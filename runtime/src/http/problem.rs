//! Problems (RFC 9457): one body for everything that goes wrong, with a code that clients can rely on.

use poem::error::{MethodNotAllowedError, NotFoundError};
use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::error::{
    AuthorizationError, ContentTypeError, ParseParamError, ParsePathError, ParseRequestPayloadError,
};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::{Example, Type};
use poem_openapi::{ApiResponse, Object};
use serde::Serialize;
use std::fmt;
use std::marker::PhantomData;

/// Codes that the edge itself answers; operations add their own.
pub mod code {
    /// No or no valid access token.
    pub const UNAUTHORIZED: &str = "unauthorized";
    /// No such route or thing.
    pub const NOT_FOUND: &str = "not_found";
    /// The route has no such method.
    pub const METHOD_NOT_ALLOWED: &str = "method_not_allowed";
    /// The body is over its limit.
    pub const BODY_TOO_LARGE: &str = "body_too_large";
    /// The body did not arrive in time.
    pub const BODY_TIMEOUT: &str = "body_timeout";
    /// The body has a media type that the route does not read.
    pub const UNSUPPORTED_MEDIA_TYPE: &str = "unsupported_media_type";
    /// The body is not UTF-8.
    pub const INVALID_UTF8: &str = "invalid_utf8";
    /// The body is not JSON.
    pub const MALFORMED_JSON: &str = "malformed_json";
    /// The body has a field that the route does not know.
    pub const UNKNOWN_FIELD: &str = "unknown_field";
    /// The body is JSON of another shape.
    pub const INVALID_BODY: &str = "invalid_body";
    /// A path, query or header parameter is malformed.
    pub const INVALID_PARAMETER: &str = "invalid_parameter";
    /// A needed part of the system is away; trying again can help.
    pub const UNAVAILABLE: &str = "unavailable";
    /// Too many requests in progress.
    pub const OVERLOADED: &str = "overloaded";
    /// The log or a disk has reached its watermark.
    pub const OUT_OF_SPACE: &str = "out_of_space";
    /// A fault of the service.
    pub const INTERNAL: &str = "internal";
}

/// A problem (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Object)]
#[oai(example)]
pub struct Problem {
    /// URI of the kind of problem: `urn:syncboard:problem:<code>`.
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    pub kind: String,
    /// What is wrong, the same for every problem of its code.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// Stable code, for programs; each operation names its own. New ones may come.
    pub code: String,
    /// What is wrong this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub detail: Option<String>,
    /// Seconds after which trying again can help; also in the `Retry-After` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub retry_after: Option<u64>,
}

impl Problem {
    /// A problem of a code.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, title: impl Into<String>) -> Self {
        let kind = format!("urn:syncboard:problem:{code}");
        Self {
            kind,
            title: title.into(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: None,
            retry_after: None,
        }
    }

    /// Adds what is wrong this time.
    #[must_use]
    pub fn detail(mut self, detail: impl fmt::Display) -> Self {
        let mut detail = detail.to_string();
        // It may repeat what was sent.
        if detail.len() > LONGEST_DETAIL {
            detail.truncate(detail.floor_char_boundary(LONGEST_DETAIL));
            detail.push('…');
        }
        self.detail = Some(detail);
        self
    }

    /// 400: what is wrong with a parameter.
    #[must_use]
    pub fn invalid_parameter(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code::INVALID_PARAMETER, "a parameter is malformed").detail(detail)
    }

    /// 503: there is no room for it now; how many seconds to wait before the next try.
    #[must_use]
    pub fn overloaded(retry_after: u64) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code::OVERLOADED, "too many requests in progress");
        problem.retry_after = Some(retry_after);
        problem
    }

    /// 503: a needed part is away, try again in a second.
    #[must_use]
    pub fn unavailable(part: &str) -> Self {
        let mut problem =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, code::UNAVAILABLE, "a needed part of the system is away");
        problem.retry_after = Some(1);
        problem.detail(part)
    }

    /// 500: a fault of ours; the cause goes to the log, not to the client.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, code::INTERNAL, "the service failed")
    }

    /// The problem that a framework error stands for.
    #[must_use]
    pub fn of(error: &poem::Error) -> Self {
        if let Some(problem) = error.downcast_ref::<Self>() {
            return problem.clone();
        }
        let known = |code: &str, title: &str| Self::new(error.status(), code, title);
        if error.is::<NotFoundError>() {
            known(code::NOT_FOUND, "no such route")
        } else if error.is::<MethodNotAllowedError>() {
            known(code::METHOD_NOT_ALLOWED, "the route does not have this method")
        } else if error.is::<ContentTypeError>() {
            known(code::UNSUPPORTED_MEDIA_TYPE, "the route does not read this media type").detail(error)
        } else if error.is::<AuthorizationError>() {
            Self::unauthorized()
        } else if error.is::<ParseParamError>() || error.is::<ParsePathError>() {
            Self::invalid_parameter(error)
        } else if error.is::<ParseRequestPayloadError>() {
            known(code::INVALID_BODY, "the body does not have the expected shape").detail(error)
        } else if error.status().is_server_error() {
            tracing::error!(%error, "a request failed");
            Self::internal()
        } else {
            known("bad_request", "the request is malformed").detail(error)
        }
    }

    /// 401.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code::UNAUTHORIZED, "a valid access token is needed")
    }
}

impl Example for Problem {
    fn example() -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "stale_if_match", "the document has changed since")
            .detail("its ETag is now \"43\"")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.title, self.code)
    }
}

impl std::error::Error for Problem {}

impl poem::error::ResponseError for Problem {
    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn as_response(&self) -> Response {
        self.clone().into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = poem::error::ResponseError::status(&self);
        let body = serde_json::to_vec(&self).expect("a problem is plain JSON");
        let mut response = Response::builder().status(status).content_type(CONTENT_TYPE).body(body);
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Most bytes of a detail.
const LONGEST_DETAIL: usize = 1_000;

const CONTENT_TYPE: &str = "application/problem+json";

/// Which statuses the problems of an operation can have: `(status, what it means)`.
pub trait Statuses: Send + Sync + 'static {
    /// They, in ascending order.
    const ALL: &'static [(u16, &'static str)];
}

/// A problem as the answer of an operation, which documents the statuses of `S`.
pub struct Refused<S> {
    problem: Problem,
    statuses: PhantomData<S>,
}

impl<S> Refused<S> {
    /// Whether the problem has this code.
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.problem.code == code
    }
}

impl<S> From<Problem> for Refused<S> {
    fn from(problem: Problem) -> Self {
        Self { problem, statuses: PhantomData }
    }
}

impl<S> From<Refused<S>> for poem::Error {
    fn from(refused: Refused<S>) -> Self {
        refused.problem.into()
    }
}

impl<S: Statuses> ApiResponse for Refused<S> {
    fn meta() -> MetaResponses {
        let problem = |(status, description): &(u16, &'static str)| MetaResponse {
            description,
            status: Some(*status),
            status_range: None,
            content: vec![MetaMediaType { content_type: CONTENT_TYPE, schema: Problem::schema_ref() }],
            headers: vec![],
        };
        let mut responses: Vec<_> = S::ALL.iter().map(problem).collect();
        responses.push(MetaResponse { status: None, ..problem(&(0, "Any other problem, such as `internal` (500).")) });
        MetaResponses { responses }
    }

    fn register(registry: &mut Registry) {
        Problem::register(registry);
    }
}

impl From<crate::event_log::Error> for Problem {
    fn from(error: crate::event_log::Error) -> Self {
        use crate::event_log::Error;
        match error {
            Error::Conflict => Self::new(StatusCode::CONFLICT, "conflict", "others kept changing it at the same time"),
            Error::OutcomeUnknown => Self::unavailable(
                "the event log did not answer in time: retry with the same Idempotency-Key to learn the outcome",
            ),
            Error::Unavailable { source } => {
                tracing::warn!(error = %source, "the event log is not available");
                Self::unavailable("the event log is not available")
            }
            Error::Corrupt { .. } | Error::Missing { .. } | Error::Misconfigured(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the event log cannot be read");
                Self::internal()
            }
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        if crate::postgres::is_unavailable(&error) {
            tracing::warn!(%error, "the database is not available");
            Self::unavailable("the database is not available")
        } else if is_of_parameter(&error) {
            Self::invalid_parameter("it holds a NUL character, or a time out of range")
        } else {
            tracing::error!(%error, "a statement failed");
            Self::internal()
        }
    }
}

/// Whether the database could not take a value as it came: NUL in a text (SQLSTATE 22021), or a time out of range (22008).
fn is_of_parameter(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| ["22021", "22008"].contains(&code.as_ref()))
}
