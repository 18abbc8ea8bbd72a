//! What a person sees when everything is ready: it fits a terminal of 80 columns and 24 lines.

use crate::facts::Facts;
use std::path::Path;

const COLUMNS: usize = 80;
/// Where the values begin.
const INDENT: usize = 12;

/// The screen.
pub(crate) fn ready(facts: &Facts) -> String {
    let Facts { command_url, query_url, projector_url, nats_url, nats_subject, .. } = facts;
    let rows = [
        ("write", format!("{command_url}/docs")),
        ("read", format!("{query_url}/docs")),
        ("health", format!("{command_url}/health    {query_url}/health")),
        ("metrics", format!("{command_url}/metrics   {query_url}/metrics")),
        ("projector", format!("{projector_url}/health   {projector_url}/metrics")),
        ("events", format!("{nats_subject} on {nats_url}")),
        ("data", facts.data.display().to_string()),
        ("logs", facts.logs.display().to_string()),
        ("safety", facts.durability.clone()),
    ];
    let mut screen = String::from("\nSyncBoard Knowledge Bank is ready.\n\n");
    for (name, value) in rows {
        for (number, line) in wrap(&value).iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            screen.push_str(&format!("  {name:width$}{line}\n", width = INDENT - 2));
        }
    }
    screen.push_str(&format!(
        "\nTry next, in another terminal:\n\n  cargo run --release -- upload {}README.md docs\n  curl {query_url}/health\n\n\
         Ctrl-C stops everything; the data stays.\n",
        data_flag(facts)
    ));
    screen
}

/// What `upload` must be told to find this system, when its data are not in the usual folder.
fn data_flag(facts: &Facts) -> String {
    let here = std::path::absolute(".").unwrap_or_default();
    let data = facts.data.strip_prefix(here).unwrap_or(&facts.data);
    if data == Path::new(".syncboard") { String::new() } else { format!("--data {} ", data.display()) }
}

/// The value in lines that fit, broken at spaces; a word that is too long stays whole, to be copied.
fn wrap(value: &str) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in value.split(' ') {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(word);
        } else if INDENT + line.chars().count() + 1 + word.chars().count() <= COLUMNS {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_screen_fits_a_terminal() {
        let facts: Facts = serde_json::from_value(serde_json::json!({
            "command_url": "http://127.0.0.1:8080",
            "query_url": "http://127.0.0.1:8081",
            "projector_url": "http://127.0.0.1:8082",
            "nats_url": "nats://subscriber:0123456789abcdef0123456789abcdef@127.0.0.1:15000",
            "nats_subject": "syncboard.live.>",
            "data": "/srv/syncboard",
            "logs": "/srv/syncboard/logs",
            "durability": "nats-server 2.9.10 syncs every 2 minutes: a crash loses nothing, a power failure that much; 2.10 or newer does better",
            "nats_services_url": "", "nats_admin_url": "", "database_url": "", "redis_url": "", "pids": {},
        }))
        .expect("these are facts");
        let screen = ready(&facts);
        assert!(screen.lines().count() <= 24, "{screen}");
        assert!(screen.lines().all(|line| line.chars().count() <= COLUMNS), "{screen}");
    }
}
