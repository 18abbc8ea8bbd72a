//! Services say that they are not ready, and take no commands, before something is full; and go on when there is room again.

use async_nats::ConnectOptions;
use async_nats::jetstream::{self, stream};
use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;
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
    let (folder, port) = (Folder::new(), free_port());
    let configuration = format!(
        "listen: \"127.0.0.1:{port}\"
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
    let url = format!("nats://services:services@127.0.0.1:{port}");
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
    wait_for("the service is not ready", async || !system.is_ready("command_url").await).await;
    let health = system.health("command_url").await.expect("it answers");
    assert_eq!(health["dependencies"]["log_storage"]["status"], "down", "{health}");
    assert!(health["dependencies"]["log_storage"]["reason"].is_string(), "{health}");
    refuses(&ada).await;
    assert!(system.is_ready("query_url").await, "who only reads goes on");
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
    let filler = Folder(disk.join(format!("syncboard-test-{}", free_port())));
    fs::create_dir(&filler.0).expect("a folder");
    let fill = |bytes: u64| fs::write(filler.0.join("filler"), vec![1; bytes as usize]).expect("it is written");

    fill(48 * MIB);
    for service in ["command_url", "projector_url"] {
        wait_for("the service is not ready", async || !system.is_ready(service).await).await;
        let health = system.health(service).await.expect("it answers");
        assert_eq!(health["dependencies"]["disk"]["status"], "down", "{health}");
    }
    refuses(&ada).await;
    fill(24 * MIB);
    wait_for("the watermark is passed", async || left(&system).await > least).await;
    assert!(!system.is_ready("command_url").await, "the lower one is not");
    refuses(&ada).await;
    drop(filler);
    wait_for("the service is ready", async || system.is_ready("command_url").await).await;
    ada.upload("after", "text").await;
    system.finish().await;
}

#[tokio::test]
async fn a_service_that_takes_too_much_memory_is_alive_and_not_ready() {
    let system = System::start(PROGRAM).await;
    let listen = format!("127.0.0.1:{}", free_port());
    let mut command = system.command("command-service", &["--log", "warn", "--listen", &listen]);
    command
        .stderr(Stdio::null())
        .env("SYNCBOARD_SECRET_KEY", "0123456789abcdef0123456789abcdef")
        .env("SYNCBOARD_MEMORY_LIMIT", "4MiB");
    let _service = command.spawn().expect("it starts");
    let asked = async |path: &str| http().get(format!("http://{listen}{path}")).send().await;
    wait_for("it is not ready", async || asked("/health/ready").await.is_ok_and(|answer| answer.status() == 503)).await;
    let health: Value = asked("/health").await.expect("it answers").json().await.expect("health is JSON");
    assert_eq!(health["dependencies"]["memory"]["status"], "down", "{health}");
    assert_eq!(asked("/health/live").await.expect("it answers").status(), 200);
    system.finish().await;
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

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.expect("a free port").port()
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("syncboard-test-nats-{}", free_port()));
        fs::create_dir(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
