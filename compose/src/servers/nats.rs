//! The private nats-server: three credentials, of which only the administrator's can change or purge the log.

use crate::config::Run;
use crate::data::{Data, Secrets, write_private};
use crate::find::Found;
use crate::process::Spec;

/// First version that can be told how often to sync.
const SYNC_INTERVAL_SINCE: (u32, u32, u32) = (2, 10, 0);

/// How the server is started; writes its configuration.
pub(crate) fn spec(found: &Found, port: u16, config: &Run, data: &Data, secrets: &Secrets) -> anyhow::Result<Spec> {
    let path = data.path.join("nats.conf");
    write_private(&path, configuration(found, port, config, data, secrets).as_bytes())?;
    Ok(Spec::new("nats-server", &found.program, data.log("nats-server")).args(["-c".into(), path.into_os_string()]))
}

fn configuration(found: &Found, port: u16, config: &Run, data: &Data, secrets: &Secrets) -> String {
    let sync_interval = match found.version >= SYNC_INTERVAL_SINCE {
        true => format!("sync_interval: {:?}", config.nats_sync_interval),
        false => String::new(),
    };
    format!(
        r#"
listen: "127.0.0.1:{port}"
server_name: "syncboard"
max_payload: 8MB
jetstream {{ store_dir: {store:?}, max_memory_store: 64MB, max_file_store: 1TB, {sync_interval} }}
authorization {{
  users: [
    {{ user: "admin", password: "{admin}" }}
    {{ user: "services", password: "{services}", permissions: {{ publish: {{ deny: [
      "$JS.API.STREAM.UPDATE.SYNCBOARD_EVENTS", "$JS.API.STREAM.PURGE.SYNCBOARD_EVENTS",
      "$JS.API.STREAM.DELETE.SYNCBOARD_EVENTS", "$JS.API.STREAM.MSG.DELETE.SYNCBOARD_EVENTS"
    ] }} }} }}
    {{ user: "subscriber", password: "{subscriber}", permissions: {{
      publish: {{ deny: ">" }}
      subscribe: ["syncboard.live.>", "syncboard.projected.>"]
    }} }}
  ]
}}
"#,
        store = data.path.join("nats"),
        admin = secrets.nats_admin,
        services = secrets.nats_services,
        subscriber = secrets.nats_subscriber,
    )
}

/// What an acknowledged event survives on this server.
pub(crate) fn durability(version: (u32, u32, u32), config: &Run) -> String {
    let (major, minor, patch) = version;
    let server = format!("nats-server {major}.{minor}.{patch}");
    match (version >= SYNC_INTERVAL_SINCE, config.nats_sync_interval.as_str()) {
        (true, "always") => format!("{server} syncs every event to disk before it is acknowledged"),
        (true, interval) => {
            format!("{server} syncs every {interval}: a crash loses nothing, a power failure at most that much")
        }
        (false, _) => format!(
            "{server} syncs every 2 minutes: a crash loses nothing, a power failure that much; 2.10 or newer does better"
        ),
    }
}
