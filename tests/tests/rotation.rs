//! Secrets are replaced while users write, read and listen. Nothing restarts, no request fails, and what was replaced is of no
//! use any more.

use rustix::process::Signal;
use serde_json::json;
use sqlx::PgPool;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tests::crowd::Crowd;
use tests::system::{PATIENT_REDIS, wait_for};
use tests::user::User;
use tests::{Client, Subscriber, System};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");
const ALL: &[&str] = &["command_url", "query_url", "projector_url"];
const GUARDED: &[&str] = &["command_url", "query_url"];
const CACHED: &[&str] = &["query_url", "projector_url"];

#[tokio::test]
async fn every_credential_is_replaced_while_users_write_read_and_listen() {
    let mut system = System::start_with(PROGRAM, &[PATIENT_REDIS]).await;
    let ada = system.client("ada").await;
    let mut heard = listen(Subscriber::open(&ada, "").await);
    let crowd = Crowd::begin(&ada, 4);
    let user = User::begin(&system.client("grace").await).await;
    let tickets = Tickets::begin(&ada);
    crowd.acknowledges(50).await;

    let first = system.fact("database_url").to_owned();
    refused(&system, "DATABASE_URL", &first.replace("postgres://", "postgres://nobody-"), ALL).await;
    let database = system.database().await;
    let role = "create role second superuser login password 'second' in role syncboard;
                alter role second set role = 'syncboard'";
    sqlx::raw_sql(role).execute(&database).await.expect("a second role");
    database.close().await;
    let second = with_credential(&first, "second", "second");
    taken(&system, "DATABASE_URL", &second, ALL).await;
    system.facts["database_url"] = json!(second);
    let database = system.database().await;
    wait_for("nobody is there as the first role", async || connections(&database, "syncboard").await == 0).await;
    sqlx::raw_sql("alter role syncboard nologin").execute(&database).await.expect("the first role is shut out");
    assert!(PgPool::connect(&first).await.is_err(), "the first role is of no use");
    crowd.acknowledges(100).await;
    assert!(connections(&database, "second").await > 2);
    database.close().await;

    let first = system.fact("nats_services_url").to_owned();
    let second = with_credential(&first, "second", "second");
    let [of_both, of_second] = configurations(&system);
    reload(&system, &of_both);
    taken(&system, "NATS_URL", &second, ALL).await;
    system.facts["nats_services_url"] = json!(second);
    reload(&system, &of_second);
    wait_for("the first user is shut out", async || !lets_in(&first).await).await;
    crowd.acknowledges(100).await;

    let first = system.fact("redis_url").to_owned();
    let second = with_credential(&first, "", "second");
    let password = first.split([':', '@']).nth(2).expect("a password").to_owned();
    refused(&system, "REDIS_URL", &second, CACHED).await;
    redis(&first, &format!("AUTH {password}\r\nACL SETUSER default >second\r\n")).await;
    taken(&system, "REDIS_URL", &second, CACHED).await;
    system.facts["redis_url"] = json!(second);
    redis(&second, &format!("AUTH second\r\nACL SETUSER default <{password}\r\n")).await;
    crowd.acknowledges(100).await;
    let is_up = "syncboard_dependency_up{dependency=\"redis\"";
    wait_for("redis is in use", async || system.metric("query_url", is_up).await == Some(1.0)).await;

    assert!(tickets.end().await > 0);
    user.end().await;
    let told = crowd.end_and_check().await;
    for sequence in &told.sequences {
        assert_eq!(heard.recv().await.as_ref(), Some(sequence), "a subscriber heard otherwise");
    }
    system.finish().await;
}

#[tokio::test]
async fn a_credential_that_comes_after_the_old_one_was_shut_out_is_taken_too() {
    let mut system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let first = system.fact("nats_services_url").to_owned();
    let [_, of_second] = configurations(&system);
    reload(&system, &of_second);
    let is_up = "syncboard_dependency_up{dependency=\"nats\"";
    for service in ALL {
        wait_for("it is shut out", async || system.metric(service, is_up).await == Some(0.0)).await;
    }
    let second = with_credential(&first, "second", "second");
    taken(&system, "NATS_URL", &second, ALL).await;
    system.facts["nats_services_url"] = json!(second);
    let request = ada.command(reqwest::Method::POST, "/v1/documents").header("idempotency-key", "after");
    let request = request.json(&json!({ "title": "after", "text": "it is let in" }));
    let upload = async || tests::client::send(request.try_clone().expect("it can be repeated")).await;
    wait_for("commands are taken again", async || upload().await.status == 201).await;
    let uploaded = upload().await;
    ada.document(&uploaded.id(), uploaded.sequence()).await;
    system.finish_after_faults().await;
}

#[tokio::test]
async fn the_key_of_tokens_is_replaced_and_only_then_do_its_tokens_end() {
    let system = System::start(PROGRAM).await;
    let ada = system.client("ada").await;
    let crowd = Crowd::begin(&ada, 2);
    let old = fs::read_to_string(system.data.join("credentials/SYNCBOARD_SECRET_KEY")).expect("services have a key");
    let new = "another key that signs tokens from now on";

    refused(&system, "SYNCBOARD_SECRET_KEY", "short", GUARDED).await;
    taken(&system, "SYNCBOARD_ACCEPTED_KEYS", &format!("{old},{new}"), GUARDED).await;
    taken(&system, "SYNCBOARD_SECRET_KEY", new, GUARDED).await;
    let grace = system.client("grace").await;
    assert_ne!(header(&ada), header(&grace), "tokens name the keys that signed them");
    let uploaded = grace.upload("of a new token", "text").await;
    grace.document(&uploaded.id(), uploaded.sequence()).await;
    crowd.acknowledges(50).await;
    crowd.end_and_check().await;

    taken(&system, "SYNCBOARD_ACCEPTED_KEYS", new, GUARDED).await;
    ada.get("/v1/statistics").await.expect_problem(401, "unauthorized");
    ada.post("/v1/documents", &json!({ "title": "late", "text": "late" })).await.expect_problem(401, "unauthorized");
    grace.document(&uploaded.id(), uploaded.sequence()).await;
    system.finish().await;
}

/// The log's configuration with a second user beside the services' own, and in its place.
fn configurations(system: &System) -> [String; 2] {
    let configuration = fs::read_to_string(system.data.join("nats.conf")).expect("the server has a configuration");
    let (begin, end) = (configuration.find("{ user: \"services\""), configuration.find("{ user: \"subscriber\""));
    let services = &configuration[begin.expect("services")..end.expect("after them")];
    let password = system.fact("nats_services_url").split([':', '@']).nth(2).expect("a password");
    let second = services.replace("\"services\"", "\"second\"").replace(password, "second");
    [format!("{services}{second}"), second].map(|users| configuration.replace(services, &users))
}

fn reload(system: &System, configuration: &str) {
    fs::write(system.data.join("nats.conf"), configuration).expect("it is written");
    system.signal("nats-server", Signal::HUP);
}

/// Writes a secret's file, and waits until these services have taken what it holds.
async fn taken(system: &System, secret: &str, value: &str, services: &[&str]) {
    let metric = format!("syncboard_secret_replaced_timestamp_seconds{{secret=\"{secret}\"}}");
    let mut before = Vec::new();
    for service in services {
        before.push(system.metric(service, &metric).await.expect("it follows the secret"));
    }
    fs::write(system.data.join("credentials").join(secret), value).expect("it is written");
    for (service, before) in services.iter().zip(before) {
        wait_for("a secret is taken", async || system.metric(service, &metric).await > Some(before)).await;
    }
}

/// Writes a secret's file with what is of no use, and waits until these services say so.
async fn refused(system: &System, secret: &str, value: &str, services: &[&str]) {
    let metric = format!("syncboard_secret_refused{{secret=\"{secret}\"}}");
    fs::write(system.data.join("credentials").join(secret), value).expect("it is written");
    for service in services {
        wait_for("a secret is refused", async || system.metric(service, &metric).await > Some(0.0)).await;
    }
}

/// An address with another user and password.
fn with_credential(url: &str, user: &str, password: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("an address");
    let (_, host) = rest.rsplit_once('@').expect("a credential");
    format!("{scheme}://{user}:{password}@{host}")
}

/// How many of the services' connections a role has.
async fn connections(database: &PgPool, role: &str) -> i64 {
    let counted = "select count(*) from pg_stat_activity where usename = $1 and application_name <> ''";
    sqlx::query_scalar(counted).bind(role).fetch_one(database).await.expect("a number")
}

async fn lets_in(nats: &str) -> bool {
    let server: async_nats::ServerAddr = nats.parse().expect("an address");
    let (user, password) = (server.username().expect("a user"), server.password().expect("a password"));
    let options = async_nats::ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
    options.connect(nats).await.is_ok()
}

/// Says something to Redis, of which each line must be answered well.
async fn redis(url: &str, lines: &str) {
    let (_, address) = url.rsplit_once('@').expect("an address");
    let mut stream = TcpStream::connect(address).await.expect("redis is there");
    stream.write_all(format!("{lines}QUIT\r\n").as_bytes()).await.expect("it listens");
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.expect("it answers");
    assert!(!answers.contains('-'), "{answers}");
}

/// The events that a subscriber is sent, for as long as anybody wants to know.
fn listen(mut subscriber: Subscriber) -> UnboundedReceiver<u64> {
    let (sender, heard) = unbounded_channel();
    tokio::spawn(async move { while sender.send(subscriber.event().await.id).is_ok() {} });
    heard
}

/// What a client's token says of itself.
fn header(client: &Client) -> &str {
    client.token.split_once('.').expect("a token has parts").0
}

/// Somebody who asks for tickets all the time, which are in Redis alone.
struct Tickets {
    is_over: Arc<AtomicBool>,
    task: JoinHandle<u32>,
}

impl Tickets {
    fn begin(client: &Client) -> Self {
        let (client, is_over) = (client.clone(), Arc::<AtomicBool>::default());
        let asked = is_over.clone();
        let task = tokio::spawn(async move {
            let mut given = 0;
            while !asked.load(Ordering::Relaxed) {
                let request = client.query(reqwest::Method::POST, "/v1/tickets");
                tests::client::send(request).await.expect(201);
                given += 1;
            }
            given
        });
        Self { is_over, task }
    }

    async fn end(self) -> u32 {
        self.is_over.store(true, Ordering::Relaxed);
        self.task.await.expect("each was given")
    }
}
