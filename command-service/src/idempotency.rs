//! Idempotency keys: what a client sends so that a retry is known as one.

use events::{AccountId, CommandId, Stream};
use poem::http::StatusCode;
use runtime::http::{Problem, code};
use uuid::Uuid;

/// Longest key, in characters.
const LONGEST: usize = 255;

/// Reads the `Idempotency-Key` header.
///
/// # Errors
/// 400 unless it is 1 to 255 visible ASCII characters.
pub(crate) fn key(value: Option<String>) -> Result<Option<String>, Problem> {
    let is_valid = |key: &str| (1..=LONGEST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    match value {
        Some(key) if !is_valid(&key) => {
            Err(Problem::new(StatusCode::BAD_REQUEST, code::INVALID_PARAMETER, "Idempotency-Key is malformed")
                .detail(format!("it must be 1 to {LONGEST} visible ASCII characters")))
        }
        value => Ok(value),
    }
}

/// The id of a command: derived from its key, so that a retry has the same; a new one if it has no key.
#[expect(clippy::disallowed_methods, reason = "a command without a key cannot be retried, so its id may be random")]
pub(crate) fn command_id(key: Option<&str>, caller: AccountId, stream: &Stream) -> CommandId {
    key.map_or_else(|| CommandId(Uuid::now_v7()), |key| CommandId::of_key(caller, stream, key))
}

/// 422: the key stands for another command.
pub(crate) fn reused() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency_key_reused",
        "the Idempotency-Key was used for another request",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_ascii() {
        assert_eq!(key(Some("order-7".into())), Ok(Some("order-7".into())));
        for wrong in ["", "a b", "größe", &"k".repeat(256)] {
            assert!(key(Some(wrong.to_owned())).is_err(), "{wrong:?}");
        }
    }
}
