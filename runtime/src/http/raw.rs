//! JSON that is already text: answers that come from a cache or are written once, sent without building them again.

use bytes::Bytes;
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use serde::Serialize;
use std::marker::PhantomData;

/// JSON text, documented as `T`.
pub struct RawJson<T> {
    text: Bytes,
    documented: PhantomData<T>,
}

impl<T> RawJson<T> {
    /// JSON that was written before, from a `T`.
    #[must_use]
    pub fn from_text(text: Bytes) -> Self {
        Self { text, documented: PhantomData }
    }
}

impl<T: Serialize> RawJson<T> {
    /// Writes a view.
    ///
    /// # Panics
    /// Never: views are plain JSON.
    #[must_use]
    pub fn of(view: &T) -> Self {
        Self::from_text(serde_json::to_vec(view).expect("a view is plain JSON").into())
    }
}

impl<T: Type> Payload for RawJson<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Send> IntoResponse for RawJson<T> {
    fn into_response(self) -> Response {
        Response::builder().content_type("application/json").body(self.text)
    }
}

impl<T: Type> ApiResponse for RawJson<T> {
    fn meta() -> MetaResponses {
        let content = vec![MetaMediaType { content_type: Self::CONTENT_TYPE, schema: T::schema_ref() }];
        let response =
            MetaResponse { description: "", status: Some(200), status_range: None, content, headers: vec![] };
        MetaResponses { responses: vec![response] }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}
