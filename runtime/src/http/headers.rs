//! Headers that operations read. The framework passes over what is not ASCII, as if it were not there, and takes the first of
//! several lines: who wrote a condition that it does not understand would be served without it.

use super::problem::{Problem, code};
use poem::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// Those with one value.
const SINGLE: [HeaderName; 2] = [HeaderName::from_static("idempotency-key"), HeaderName::from_static("last-event-id")];
/// Those with a list, of which several lines are one (RFC 9110, section 5.3).
const LISTS: [HeaderName; 2] = [header::IF_MATCH, header::IF_NONE_MATCH];

/// Makes one line of each.
///
/// # Errors
/// 400 `invalid_parameter` for one that is not ASCII, or that is there twice and may be there once.
pub(super) fn check(headers: &mut HeaderMap) -> Result<(), Problem> {
    for name in &SINGLE {
        if lines(headers, name)?.is_some_and(|lines| lines.len() > 1) {
            return Err(malformed(name, "it may be there once"));
        }
    }
    for name in &LISTS {
        let Some(lines) = lines(headers, name)?.filter(|lines| lines.len() > 1) else { continue };
        let line = HeaderValue::try_from(lines.join(", ")).map_err(|_| malformed(name, "it is too long"))?;
        headers.insert(name, line);
    }
    Ok(())
}

/// The lines of a header; `None` where there are none.
fn lines<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<Vec<&'h str>>, Problem> {
    if !headers.contains_key(name) {
        return Ok(None);
    }
    let lines = headers.get_all(name).iter().map(HeaderValue::to_str).collect::<Result<_, _>>();
    lines.map(Some).map_err(|_| malformed(name, "it must be visible ASCII characters"))
}

fn malformed(name: &HeaderName, detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code::INVALID_PARAMETER, "a header is malformed")
        .detail(format_args!("{name}: {detail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_one_or_are_refused() {
        let of = |name: HeaderName, lines: &[&'static [u8]]| {
            let value = |line: &&'static [u8]| HeaderValue::from_bytes(line).expect("bytes of a header");
            let mut headers: HeaderMap = lines.iter().map(|line| (name.clone(), value(line))).collect();
            check(&mut headers).map(|()| headers.get(name).cloned())
        };
        assert_eq!(of(header::IF_MATCH, &[b"\"1\"", b"\"2\""]), Ok(Some(HeaderValue::from_static("\"1\", \"2\""))));
        assert_eq!(of(SINGLE[0].clone(), &[b"a"]), Ok(Some(HeaderValue::from_static("a"))));
        for (name, lines) in [
            (SINGLE[0].clone(), &["größe".as_bytes()] as &[&[u8]]),
            (SINGLE[1].clone(), &[b"1", b"2"]),
            (header::IF_MATCH, &["“42”".as_bytes()]),
        ] {
            assert!(of(name, lines).is_err(), "{lines:?}");
        }
    }
}
