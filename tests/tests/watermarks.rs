//! Services say that they are not ready, and take no commands, before something is full; and go on when there is room again.

use async_nats::ConnectOptions;
use async_nats::jetstream::{self, stream};
use compose::Port;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tests::client::http;
use tests::system::wait_for;
use tests::tools::installed;
use tests::{Client, System};
use tokio::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");
const MIB: u64 = 1 << 20;

#[tokio::test]
async fn commands_are_refused_while_the_log_has_little_room() {
    let (folder, port) = (Folder::new(&std::env::temp_dir()), Port::free().expect("a free port"));
    let configuration = format!(
        "listen: \"{port}\"
         jetstream {{ store_dir: {:?} }}
         accounts {{ SYNCBOARD {{
           jetstream: {{ max_file: 64MB, max_mem: 64MB }}
           users: [{{ user: services, password: services }}]
         }} }}",
        folder.0
    );
    let file = folder.0.join("nats.conf");
    fs::write(&file, configuration).expect("it is written");
    let mut server = Command::new(installed(&["nats-server", "/usr/sbin/nats-server"], "nats-server"));
    let _server = server.arg("-c").arg(&file).stderr(Stdio::null()).kill_on_drop(true).spawn().expect("it starts");
    let url = format!("nats://services:services@{port}");
    let connect =
        || ConnectOptions::with_user_and_password("services".to_owned(), "services".to_owned()).connect(url.as_str());
    wait_for("the log's server is there", async || connect().await.is_ok()).await;
    let log = jetstream::new(connect().await.expect("it is there"));

    let system = System::start_with(PROGRAM, &[("NATS_URL", &url)]).await;
    let ada = system.client("ada").await;
    let before = ada.upload("before", "text").await;
    let other = stream::Config { name: "OTHER".to_owned(), subjects: vec!["other".to_owned()], ..Default::default() };
    log.create_stream(other).await.expect("another stream");
    for _ in 0..120 {
        let stored = log.publish("other", vec![0; 512 << 10].into()).await.expect("it is sent").await;
        stored.expect("there is room beyond the watermark");
    }
    wait_for("the log has little room", async || is_short(&system, "command_url", "log_storage").await).await;
    assert!(!system.is_ready("command_url").await);
    refuses(&ada).await;
    wait_for("who only reads goes on", async || system.is_ready("query_url").await).await;
    ada.document(&before.id(), before.sequence()).await;
    let login = json!({ "username": "ada", "password": "correct horse battery" });
    ada.post("/v1/tokens", &login).await.expect(200);

    log.delete_stream("OTHER").await.expect("there is room again");
    wait_for("the service is ready", async || system.is_ready("command_url").await).await;
    ada.upload("after", "text").await;
    system.finish().await;
}

#[tokio::test]
async fn commands_are_refused_while_a_disk_has_little_room() {
    let disk = Path::new("/dev/shm");
    let statistics = rustix::fs::statvfs(disk).expect("a small file system");
    let free = statistics.f_bavail * statistics.f_frsize;
    let (least, again) = (free - 32 * MIB, free - 16 * MIB);
    let settings = [
        ("SYNCBOARD_DISK_PATHS", disk.display().to_string()),
        ("SYNCBOARD_DISK_WATERMARK", least.to_string()),
        ("SYNCBOARD_DISK_LOW_WATERMARK", again.to_string()),
    ];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let system = System::start_with(PROGRAM, &settings).await;
    let ada = system.client("ada").await;
    let filler = Folder::new(disk);
    let file = filler.0.join("filler");

    fs::write(&file, vec![1; 48 * MIB as usize]).expect("it is written");
    for service in ["command_url", "projector_url"] {
        wait_for("the disk has little room", async || is_short(&system, service, "disk").await).await;
        assert!(!system.is_ready(service).await);
    }
    refuses(&ada).await;
    // Written anew it would be empty for a moment, and there would be room.
    let shortened = File::options().write(true).open(&file).and_then(|file| file.set_len(24 * MIB));
    shortened.expect("it can be shortened");
    wait_for("the watermark is passed", async || left(&system).await > least).await;
    assert!(is_short(&system, "command_url", "disk").await, "the lower one is not");
    refuses(&ada).await;
    drop(filler);
    wait_for("the service is ready", async || system.is_ready("command_url").await).await;
    ada.upload("after", "text").await;
    system.finish().await;
}

#[tokio::test]
async fn commands_are_refused_while_the_database_has_little_room() {
    let system = System::start_with(PROGRAM, &[("SYNCBOARD_DATABASE_LIMIT", "100MiB")]).await;
    let ada = system.client("ada").await;
    let before = ada.upload("before", "text").await;
    // Pages that are not compressed: 96 MiB of them.
    system
        .execute(
            "create table public.filler (part text);
             alter table public.filler alter part set storage plain;
             insert into public.filler select repeat('x', 8000) from generate_series(1, 12288)",
        )
        .await;
    wait_for("the database has little room", async || is_short(&system, "command_url", "database_storage").await).await;
    refuses(&ada).await;
    ada.document(&before.id(), before.sequence()).await;
    system.execute("drop table public.filler").await;
    wait_for("the service is ready", async || system.is_ready("command_url").await).await;
    ada.upload("after", "text").await;
    system.finish().await;
}

#[tokio::test]
async fn a_service_that_takes_too_much_memory_is_alive_and_not_ready() {
    let system = System::start(PROGRAM).await;
    let port = Port::free().expect("a free port");
    let mut command = system.command("command-service", &["--log", "warn", "--listen", &port.to_string()]);
    command
        .stderr(Stdio::null())
        .env("SYNCBOARD_SECRET_KEY", "0123456789abcdef0123456789abcdef")
        .env("SYNCBOARD_MEMORY_LIMIT", "4MiB");
    let _service = command.spawn().expect("it starts");
    let asked = async |path: &str| http().get(format!("http://{port}{path}")).send().await;
    wait_for("it is not ready", async || asked("/health/ready").await.is_ok_and(|answer| answer.status() == 503)).await;
    let health: Value = asked("/health").await.expect("it answers").json().await.expect("health is JSON");
    assert_eq!(health["dependencies"]["memory"]["status"], "down", "{health}");
    assert_eq!(asked("/health/live").await.expect("it answers").status(), 200);
    system.finish().await;
}

/// Whether a service says that it has too little of something, and why.
async fn is_short(system: &System, service: &str, of: &str) -> bool {
    let health = system.health(service).await.unwrap_or_default();
    let room = &health["dependencies"][of];
    room["status"] == "down" && room["reason"].is_string()
}

async fn refuses(client: &Client) {
    let answer = client.post("/v1/documents", &json!({ "title": "late", "text": "late" })).await;
    let answer = answer.expect_problem(503, "out_of_space");
    assert!(answer.header("retry-after").is_some());
}

/// Free space as the command-service sees it.
async fn left(system: &System) -> u64 {
    let left = system.metric("command_url", "syncboard_watermark_left_bytes{of=\"disk\"}").await;
    left.expect("it is measured") as u64
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    #[expect(clippy::disallowed_methods, reason = "tests run side by side, each in a folder of its own")]
    fn new(within: &Path) -> Self {
        let folder = within.join(format!("syncboard-test-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
