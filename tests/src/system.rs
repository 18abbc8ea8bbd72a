//! A whole system, started as its users start it, with everything private to one test.

use crate::client::{Answer, Client, http};
use async_nats::{ConnectOptions, ServerAddr, jetstream};
use runtime::auth::Tokens;
use runtime::config::Auth;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// How long anything may take that is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// How long a start may take: the first one on a fresh machine installs the servers.
const START: Duration = Duration::from_secs(900);
const POLL: Duration = Duration::from_millis(25);
/// A setting for tests with tickets, which are in Redis alone: on a busy machine it answers later than a cache may.
pub const PATIENT_REDIS: (&str, &str) = ("SYNCBOARD_REDIS_TIMEOUT", "5s");

/// A running system. It ends with the test, whatever happens to the test.
pub struct System {
    program: PathBuf,
    runner: Child,
    http: reqwest::Client,
    /// What the runner said when it was ready.
    pub facts: Value,
    /// Its data folder, removed at the end.
    pub data: PathBuf,
}

impl System {
    /// Starts a system on an empty data folder; `program` is the test's `system` binary.
    pub async fn start(program: impl AsRef<Path>) -> Self {
        Self::start_with(program, &[]).await
    }

    /// Starts a system on an empty data folder with further settings in the environment.
    #[expect(clippy::disallowed_methods, reason = "tests run side by side, each in a folder of its own")]
    pub async fn start_with(program: impl AsRef<Path>, settings: &[(&str, &str)]) -> Self {
        let data = std::env::temp_dir().join(format!("syncboard-test-{}", uuid::Uuid::new_v4().simple()));
        Self::start_on(program.as_ref(), data, settings).await
    }

    async fn start_on(program: &Path, data: PathBuf, settings: &[(&str, &str)]) -> Self {
        // Should the test be killed, the runner goes with it, and its children with the runner.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program).arg("--data").arg(&data).arg("--json");
        for flag in ["--command-listen", "--query-listen", "--projector-listen"] {
            command.args([flag, "127.0.0.1:0"]);
        }
        for name in [
            "DATABASE_URL",
            "NATS_URL",
            "REDIS_URL",
            "SYNCBOARD_DATA",
            "SYNCBOARD_LLM_URL",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
        ] {
            command.env_remove(name);
        }
        command.envs(settings.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut runner = command.spawn().expect("the runner starts");
        let output = runner.stdout.take().expect("its output is piped");
        let first_line = tokio::task::spawn_blocking(move || BufReader::new(output).lines().next());
        let line =
            timeout(START, first_line).await.expect("the system is ready in time").expect("reading does not panic");
        let line = line.expect("the runner says when it is ready").expect("its output can be read");
        let facts = serde_json::from_str(&line).expect("it says so in JSON");
        Self { program: program.to_owned(), runner, http: http(), facts, data }
    }

    /// A fact of the runner, such as `command_url`.
    pub fn fact(&self, name: &str) -> &str {
        self.facts[name].as_str().expect("the runner says it")
    }

    /// Registers an account and logs it in.
    pub async fn client(&self, username: &str) -> Client {
        Client::register(self.fact("command_url"), self.fact("query_url"), username).await
    }

    /// A client of an account that the log has and the database has no password of, as after a log was brought back.
    pub fn signed_in(&self, username: &str) -> Client {
        let secrets = std::fs::read(self.data.join("secrets.json")).expect("a data folder has its secrets");
        let secrets: Value = serde_json::from_slice(&secrets).expect("they are JSON");
        let secret_key = secrets["secret_key"].as_str().expect("tokens are signed").parse().expect("it is text");
        let tokens = Tokens::new(&Auth::of(secret_key));
        Client::signed_in(self.fact("command_url"), self.fact("query_url"), username, &tokens)
    }

    /// The process that a part of the system is now, as the data folder says.
    pub fn pid(&self, part: &str) -> u32 {
        let facts = std::fs::read(self.data.join("run.json")).expect("a running system has its facts in its folder");
        let facts: Value = serde_json::from_slice(&facts).expect("the facts are JSON");
        u32::try_from(facts["pids"][part].as_u64().expect("the part runs")).expect("a process id")
    }

    /// Sends a signal to a part of the system.
    pub fn signal(&self, part: &str, signal: Signal) {
        send(self.pid(part), signal);
    }

    /// Ends a part by a signal, and waits until the next one stands in its place and every service is ready.
    pub async fn replaced(&self, part: &str, signal: Signal) {
        let before = self.pid(part);
        self.signal(part, signal);
        wait_for("the part is there again", async || self.pid(part) != before && is_alive(self.pid(part))).await;
        for url in ["command_url", "query_url", "projector_url"] {
            wait_for("every service is ready", async || self.is_ready(url).await).await;
        }
    }

    /// Everything in one line of a service's health page.
    pub async fn health(&self, url: &str) -> Option<Value> {
        let answer = self.http.get(format!("{}/health", self.fact(url))).send().await.ok()?;
        answer.json().await.ok()
    }

    /// Whether a service says that it is ready.
    pub async fn is_ready(&self, url: &str) -> bool {
        let answer = self.http.get(format!("{}/health/ready", self.fact(url))).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    /// A number of a service's metrics, as [`Answer::metric`] finds it; none where the service does not answer.
    pub async fn metric(&self, url: &str, name: &str) -> Option<f64> {
        let answer = self.http.get(format!("{}/metrics", self.fact(url))).send().await.ok()?;
        Answer::of(answer).await.ok()?.metric(name)
    }

    /// The numbers of the projector's health page, which leaves them out where gathering them took too long.
    pub async fn statistics(&self) -> Value {
        let mut statistics = Value::Null;
        wait_for("the projector has gathered its numbers", async || {
            statistics = self.health("projector_url").await.unwrap_or_default()["statistics"].clone();
            statistics.as_object().is_some_and(|numbers| !numbers.is_empty())
        })
        .await;
        statistics
    }

    /// Waits until the read models show the whole log.
    pub async fn caught_up(&self) {
        wait_for("the projector has caught up", async || {
            let health = self.health("projector_url").await;
            health.is_some_and(|health| health["status"] == "up" && health["statistics"]["lag"] == 0)
        })
        .await;
    }

    /// Stops and starts again on the same data.
    pub async fn restart(mut self) -> Self {
        self.stop().await;
        self.start_again().await
    }

    /// Starts again on the same data, after whatever ended it.
    pub async fn start_again(mut self) -> Self {
        let next = Self::start_on(&self.program, self.data.clone(), &[]).await;
        self.data = PathBuf::new();
        next
    }

    /// A subcommand of the projector, on this system's servers.
    pub async fn projector(&self, args: &[&str]) -> std::process::Output {
        self.projector_command(args).output().await.expect("the projector starts")
    }

    /// As [`System::projector`], for tests that look on while it runs; it ends with the test.
    pub fn projector_command(&self, args: &[&str]) -> tokio::process::Command {
        let mut command = self.command("projector", args);
        // It asks its servers once, where a service would ask again.
        command.env("SYNCBOARD_NATS_TIMEOUT", "30s").env("SYNCBOARD_DATABASE_TIMEOUT", "30s");
        command
    }

    /// A program of its own on this system's servers; it ends with the test.
    pub fn command(&self, program: &str, args: &[&str]) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(&self.program);
        command
            .arg(program)
            .args(args)
            .env("DATABASE_URL", self.fact("database_url"))
            .env("NATS_URL", self.fact("nats_services_url"))
            .env("REDIS_URL", self.fact("redis_url"))
            .kill_on_drop(true);
        command
    }

    /// Another projector beside the system's own, with further arguments; it ends with the test.
    pub fn another_projector(&self, args: &[&str]) -> tokio::process::Child {
        let mut command = self.command("projector", &[&["run", "--listen", "127.0.0.1:0"], args].concat());
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("another projector starts")
    }

    /// The database, for tests that break it.
    pub async fn database(&self) -> sqlx::PgPool {
        sqlx::PgPool::connect(self.fact("database_url")).await.expect("the database is there")
    }

    /// JetStream with the credential that may do everything, for tests that break the log.
    pub async fn administrator(&self) -> jetstream::Context {
        let server: ServerAddr = self.fact("nats_admin_url").parse().expect("an address");
        // The client does not take credentials from an address by itself.
        let user = server.username().expect("a user").to_owned();
        let password = server.password().expect("a password").to_owned();
        let options = ConnectOptions::with_user_and_password(user, password);
        jetstream::new(options.connect(server).await.expect("the log is there"))
    }

    /// Changes the database by hand.
    pub async fn execute(&self, statements: &'static str) {
        let database = self.database().await;
        sqlx::raw_sql(statements).execute(&database).await.expect("the statements are right");
        database.close().await;
    }

    /// Ends a test that wrote: nothing lags, live tables equal rebuilt tables row by row, no service logged an error, and
    /// everything stops when told to.
    pub async fn finish(mut self) {
        self.assert_no_errors();
        self.end().await;
        // Checking and stopping may bring errors too.
        self.assert_no_errors();
    }

    /// As [`System::finish`], for tests in which parts were taken away, of which services rightly complain.
    pub async fn finish_after_faults(mut self) {
        self.end().await;
    }

    async fn end(&mut self) {
        self.caught_up().await;
        let check = self.projector(&["rebuild", "--check", "--json"]).await;
        let report = String::from_utf8_lossy(&check.stdout);
        assert!(
            check.status.success(),
            "live differs from rebuilt: {report} {}",
            String::from_utf8_lossy(&check.stderr)
        );
        self.stop().await;
    }

    /// Panics if a service logged an error.
    pub fn assert_no_errors(&self) {
        for service in ["command-service", "query-service", "projector", "assistant"] {
            let path = self.data.join(format!("logs/{service}.log"));
            if service == "assistant" && !path.exists() {
                continue;
            }
            let mut log = std::fs::read_to_string(&path).expect("a service has a log");
            log += &std::fs::read_to_string(path.with_extension("log.1")).unwrap_or_default();
            let error = log.lines().find(|line| line.contains(r#""level":"ERROR""#));
            assert_eq!(error, None, "{service} logged an error");
        }
    }

    async fn stop(&mut self) {
        send(self.runner.id(), Signal::TERM);
        let begun = Instant::now();
        let status = loop {
            match self.runner.try_wait().expect("the runner is a child") {
                Some(status) => break status,
                None => assert!(begun.elapsed() < PATIENCE, "the system does not stop"),
            }
            sleep(POLL).await;
        };
        assert!(status.success(), "the runner ended with {status}");
    }
}

impl Drop for System {
    fn drop(&mut self) {
        drop(self.runner.kill());
        drop(self.runner.wait());
        if !self.data.as_os_str().is_empty() && !std::thread::panicking() {
            drop(std::fs::remove_dir_all(&self.data));
        }
    }
}

/// Waits until a condition holds; panics with its name when it takes too long.
pub async fn wait_for(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < PATIENCE, "waited too long until {what}");
        sleep(POLL).await;
    }
}

/// Whether a process is there.
pub fn is_alive(pid: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !state.is_empty() && !state.contains(") Z ")
}

/// Sends a signal to a process, if it is there.
pub fn send(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).expect("a process id")).expect("no process id is 0");
    // A process that has just died is as good as signalled.
    let _ = kill_process(pid, signal);
}
