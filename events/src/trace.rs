//! W3C trace context: which trace a request, and then its event, belongs to. Part of no decision and of no table.

/// Length of a `traceparent` of the only version there is.
const LENGTH: usize = 55;
/// Longest `tracestate` that is passed on; a longer one is left out, as the recommendation allows.
const LONGEST_STATE: usize = 512;

/// A span of some trace, as the headers `traceparent` and `tracestate` tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    parent: String,
    state: Option<String>,
}

impl TraceContext {
    /// Reads the headers; `None` unless `traceparent` is well formed. What is wrong with `tracestate` loses that alone.
    #[must_use]
    pub fn parse(parent: &str, state: Option<&str>) -> Option<Self> {
        let is_hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_id = |part: &str| is_hex(part) && part.bytes().any(|byte| byte != b'0');
        if parent.len() != LENGTH || !parent.is_ascii() {
            return None;
        }
        let mut parts = parent.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_of_version_0 = version == "00" && trace.len() == 32 && span.len() == 16 && parts.next().is_none();
        if !is_of_version_0 || !is_id(trace) || !is_id(span) || !is_hex(flags) {
            return None;
        }
        let is_known = |state: &&str| {
            (1..=LONGEST_STATE).contains(&state.len()) && state.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        };
        Some(Self { parent: parent.to_owned(), state: state.filter(is_known).map(str::to_owned) })
    }

    /// The header `traceparent`.
    #[must_use]
    pub fn parent(&self) -> &str {
        &self.parent
    }

    /// The header `tracestate`.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The trace, 32 hexadecimal digits.
    #[must_use]
    pub fn trace(&self) -> &str {
        &self.parent[3..35]
    }

    /// The span, 16 hexadecimal digits.
    #[must_use]
    pub fn span(&self) -> &str {
        &self.parent[36..52]
    }

    /// Whether the caller records it.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        u8::from_str_radix(&self.parent[53..], 16).is_ok_and(|flags| flags & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn its_parts_are_read() {
        let context = TraceContext::parse(PARENT, Some("vendor=1")).expect("it is well formed");
        assert_eq!((context.parent(), context.state()), (PARENT, Some("vendor=1")));
        assert_eq!(context.trace(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(context.span(), "b7ad6b7169203331");
        assert!(context.is_sampled());
        let unsampled = TraceContext::parse(&PARENT.replace("-01", "-00"), None).expect("it is well formed");
        assert!(!unsampled.is_sampled());
    }

    #[test]
    fn what_is_malformed_is_none() {
        let zero = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        let shifted = "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01";
        let capital = PARENT.to_uppercase();
        let of_another_version = PARENT.replacen("00-", "ff-", 1);
        for parent in ["", zero, shifted, &capital, &of_another_version, &PARENT[1..], &format!("{PARENT}-")] {
            assert_eq!(TraceContext::parse(parent, None), None, "{parent:?}");
        }
    }

    #[test]
    fn a_state_that_cannot_be_passed_on_is_left_out() {
        for state in ["", "a\r\nb", "größe=1", &"s".repeat(513)] {
            let context = TraceContext::parse(PARENT, Some(state)).expect("the parent is well formed");
            assert_eq!(context.state(), None, "{state:?}");
        }
    }
}
