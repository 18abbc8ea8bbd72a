//! Values that are refused where they enter.

use domain::document;
use poem::http::StatusCode;
use runtime::http::Problem;

/// An invalid value as a problem of its field: 422 `invalid_<field>`, or 413 `text_too_large`.
pub(crate) struct Invalid;

impl Invalid {
    pub(crate) fn field(field: &'static str) -> impl Fn(document::Invalid) -> Problem {
        move |invalid| match (field, invalid) {
            ("text", document::Invalid::TooLong { limit }) => {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "text_too_large", "the text is too large")
                    .detail(format!("at most {limit} bytes of UTF-8"))
            }
            _ => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                &format!("invalid_{field}"),
                format!("the {field} is invalid"),
            )
            .detail(format!("{field} {invalid}")),
        }
    }
}
