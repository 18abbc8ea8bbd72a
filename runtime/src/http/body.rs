//! JSON bodies: counted while they arrive, checked once, read straight into their type.

use super::bodies::Room;
use super::problem::{Problem, code};
use crate::config;
use poem::http::StatusCode;
use poem::{Body, Request, RequestBody, Result};
use poem_openapi::payload::{ParsePayload, Payload};
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use std::fmt;
use std::marker::PhantomData;
use tokio::time::timeout;

/// How large a body may be, decided by its type.
pub trait Limited {
    /// Bytes, from the service's configuration.
    fn limit(config: &config::Http) -> usize {
        usize::try_from(config.body_limit.as_u64()).unwrap_or(usize::MAX)
    }
}

/// A JSON body. Unlike the framework's own it is not built by way of a generic value, and has a limit.
pub struct JsonBody<T>(pub T);

impl<T: Type> Payload for JsonBody<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn check_content_type(content_type: &str) -> bool {
        let media_type = media_type(content_type);
        media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"))
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Type + DeserializeOwned + Limited> ParsePayload for JsonBody<T> {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> Result<Self> {
        Ok(Self(parse_json(&read::<T>(request, body).await?)?))
    }
}

poem_openapi::impl_apirequest_for_payload!(JsonBody<T>, T: Type + DeserializeOwned + Limited);

/// An HTML form's body, `application/x-www-form-urlencoded`.
pub struct FormBody<T>(pub T);

impl<T: Type> Payload for FormBody<T> {
    const CONTENT_TYPE: &'static str = "application/x-www-form-urlencoded";

    fn check_content_type(content_type: &str) -> bool {
        media_type(content_type) == Self::CONTENT_TYPE
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Type + DeserializeOwned + Limited> ParsePayload for FormBody<T> {
    const IS_REQUIRED: bool = true;

    async fn from_request(request: &Request, body: &mut RequestBody) -> Result<Self> {
        let bytes = read::<T>(request, body).await?;
        let form = serde_urlencoded::from_bytes(&bytes).map_err(|error| {
            Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                code::INVALID_BODY,
                "the form does not have the expected fields",
            )
            .detail(error)
        })?;
        Ok(Self(form))
    }
}

/// A media type without its parameters.
fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

async fn read<T: Limited>(request: &Request, body: &mut RequestBody) -> Result<Vec<u8>> {
    let config = request.data::<config::Http>().expect("the edge gives every request its configuration");
    Ok(read_at_most(T::limit(config), request, body.take()?, config).await?)
}

async fn read_at_most(limit: usize, request: &Request, body: Body, config: &config::Http) -> Result<Vec<u8>, Problem> {
    let too_large = || {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, code::BODY_TOO_LARGE, "the body is too large")
            .detail(format!("at most {limit} bytes are read here"))
    };
    let announced = request.header("content-length").and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let length = announced.unwrap_or(limit);
    if length as u64 > config.body_limit.as_u64() {
        let room = request.data::<Room>().expect("the edge gives every request its room");
        timeout(config.body_timeout, room.take(length)).await.map_err(|_| Problem::overloaded(1))?;
    }
    match timeout(config.body_timeout, body.into_bytes_limit(limit)).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(poem::error::ReadBodyError::PayloadTooLarge)) => Err(too_large()),
        Ok(Err(error)) => {
            Err(Problem::new(StatusCode::BAD_REQUEST, "body_incomplete", "the body did not arrive whole").detail(error))
        }
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, code::BODY_TIMEOUT, "the body did not arrive in time")),
    }
}

/// Reads what the contract calls an object from a JSON object: a derived reader would take its fields in order, as an array, too.
fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_map(Object(PhantomData))
}

/// As [`object`], for one that may be absent or null.
///
/// # Errors
/// Those of `D`.
pub fn maybe_object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    struct Read<T>(T);

    impl<'de, T: Deserialize<'de>> Deserialize<'de> for Read<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            object(deserializer).map(Self)
        }
    }

    Ok(Option::<Read<T>>::deserialize(deserializer)?.map(|read| read.0))
}

/// Reads a JSON object, telling apart what can be wrong with it.
///
/// # Errors
/// 400 when it is not UTF-8 or not JSON, 422 when it is JSON of another shape.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, code::INVALID_UTF8, "the body is not UTF-8").detail(error)
    })?;
    let mut json = serde_json::Deserializer::from_str(text);
    let read = object(&mut json).and_then(|read| json.end().map(|()| read));
    read.map_err(|error| match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => {
            Problem::new(StatusCode::BAD_REQUEST, code::MALFORMED_JSON, "the body is not JSON").detail(error)
        }
        Category::Data => {
            let detail = error.to_string();
            let (code, title) = if detail.starts_with("unknown field") {
                (code::UNKNOWN_FIELD, "the body has an unknown field")
            } else {
                (code::INVALID_BODY, "the body does not have the expected shape")
            };
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, title).detail(detail)
        }
    })
}
