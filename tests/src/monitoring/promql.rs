//! As much of PromQL as tells which series an expression asks for, and by which labels it groups them. Whether it is PromQL
//! at all is for promtool to say.

/// What may be followed by labels in parentheses.
const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
/// Words that are no metrics.
const WORDS: [&str; 8] = ["and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"];

/// The selectors of an expression, with their matchers and without their ranges.
#[must_use]
pub fn selectors(expression: &str) -> Vec<String> {
    parts(expression).0
}

/// The labels by which an expression groups or matches series.
#[must_use]
pub fn groupings(expression: &str) -> Vec<String> {
    parts(expression).1
}

fn parts(expression: &str) -> (Vec<String>, Vec<String>) {
    let (mut selectors, mut labels, mut rest) = (Vec::new(), Vec::new(), expression);
    while let Some(first) = rest.chars().next() {
        let is_inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        if first == '"' {
            rest = after_text(rest);
        } else if first == '[' {
            rest = rest.split_once(']').expect("a range ends").1;
        } else if first.is_ascii_digit() {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.');
        } else if first.is_ascii_alphabetic() || first == '_' {
            let word = &rest[..rest.find(|c| !is_inside(c)).unwrap_or(rest.len())];
            rest = rest[word.len()..].trim_start();
            if GROUPINGS.contains(&word) {
                if let Some(list) = rest.strip_prefix('(') {
                    let (names, after) = list.split_once(')').expect("a list ends");
                    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
                    labels.extend(names.map(str::to_owned));
                    rest = after;
                }
            } else if rest.starts_with('{') {
                let matchers = &rest[..rest.len() - after_matchers(rest).len()];
                selectors.push(format!("{word}{matchers}"));
                rest = &rest[matchers.len()..];
            } else if !rest.starts_with('(') && !WORDS.contains(&word) && !is_aggregation_before(word, rest) {
                selectors.push(word.to_owned());
            }
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    (selectors, labels)
}

/// `sum by (x) (…)`: a function whose parentheses come after the grouping.
fn is_aggregation_before(word: &str, rest: &str) -> bool {
    !word.contains('_') && ["by", "without"].iter().any(|grouping| rest.starts_with(grouping))
}

fn after_text(text: &str) -> &str {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return &text[at + 1..],
            _ => {}
        }
    }
    panic!("a text does not end: {text}");
}

fn after_matchers(text: &str) -> &str {
    let mut rest = &text[1..];
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' => after_text(rest),
            '}' => return &rest[1..],
            _ => &rest[first.len_utf8()..],
        };
    }
    panic!("matchers do not end: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_found_and_nothing_else() {
        let expression = r#"scalar(max(a_total)) - min by (job, le) (rate(b{x="}\"", y=~"c|d"}[5m:15s])) > 10 * 1024
            and on (job) histogram_quantile(0.95, sum(c:d) by (le)) / ignoring (state) e offset 5m unless up == 1e3"#;
        assert_eq!(selectors(expression), ["a_total", r#"b{x="}\"", y=~"c|d"}"#, "c:d", "e", "up"]);
        assert_eq!(groupings(expression), ["job", "le", "job", "le", "state"]);
    }
}
