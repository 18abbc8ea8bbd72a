//! Several projectors share the work: it spreads, it moves when one dies, and one that was stopped past its lease can write
//! nothing when it wakes. Nothing is applied twice or left out.

use rustix::process::Signal;
use serde_json::Value;
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tests::client::Client;
use tests::system::{System, send, wait_for};
use tests::user::User;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");
const SHARDS: usize = 16;
/// Most seconds between a projector's end and others having its shards: it takes some three, and longer on a machine
/// that is busy with all of this.
const FAILOVER: f64 = 10.0;
/// Longest round of a user, who waits for what was written until its shard is with another.
const ROUND: Duration = Duration::from_secs(30);
/// What time it is, and when a shard was taken last, by the database's clock, as asking who works starts a program each
/// time.
const NOW: &str = "select extract(epoch from clock_timestamp())::float8";
const TAKEN: &str = "select extract(epoch from max(taken_at))::float8 from operations.lease";

/// Notes every move of a checkpoint: by whom, and whether they held the shard's lease then.
const AUDIT: &str = "
    create table public.moved (at bigint generated always as identity, projection text, shard smallint, earlier bigint,
                               later bigint, mover text, is_holder boolean);
    create function public.note() returns trigger language plpgsql as $$ begin
        insert into public.moved (projection, shard, earlier, later, mover, is_holder)
        values (new.projection, new.shard, old.sequence, new.sequence, current_setting('application_name'), exists (
            select from operations.lease l join operations.member m on m.projection = l.projection and m.id = l.owner
            where l.projection = new.projection and l.shard = new.shard and m.alive_until > clock_timestamp()
              and current_setting('application_name') like '%-' || replace(l.owner::text, '-', '')));
        return new;
    end $$;
    create trigger noted after update on read_model.checkpoint for each row execute function public.note();
    create trigger noted after update on knowledge.checkpoint for each row execute function public.note();";

#[tokio::test]
async fn work_spreads_and_moves_when_a_projector_dies() {
    let system = System::start(PROGRAM).await;
    let database = audited(&system).await;
    let mut users = Vec::new();
    for client in spread(&system, 6).await {
        users.push(User::begin(&client).await);
    }
    wait_for("one has everything", async || shares(&system, "documents").await == [SHARDS]).await;

    let mut others = [system.another_projector(&[]), system.another_projector(&[])];
    for projection in ["documents", "knowledge"] {
        wait_for("three have a share", async || shares(&system, projection).await == [5, 5, 6]).await;
    }
    for other in &mut others {
        let pid = other.id().expect("it runs");
        let killed = seconds(&database, NOW).await;
        other.kill().await.expect("it can be killed");
        let name = format!(" {pid}");
        for projection in ["documents", "knowledge"] {
            let is_over = async || {
                let held = workers(&system, projection).await;
                held.values().map(BTreeSet::len).sum::<usize>() == SHARDS
                    && held.keys().all(|who| !who.ends_with(&name))
            };
            wait_for("its shards are with others", is_over).await;
        }
        let after = seconds(&database, TAKEN).await - killed;
        assert!(after < FAILOVER, "its shards moved after {after} s");
    }
    for user in users {
        let slowest = user.end().await;
        assert!(slowest < ROUND, "a round took {slowest:?}");
    }
    nobody_moved_what_they_did_not_hold(&database).await;
    system.finish_after_faults().await;
}

#[tokio::test]
async fn a_projector_that_was_stopped_past_its_lease_writes_nothing_when_it_wakes() {
    let system = System::start(PROGRAM).await;
    let database = audited(&system).await;
    let other = system.another_projector(&[]);
    let (pid, name) = (other.id().expect("it runs"), format!(" {}", other.id().expect("it runs")));
    for projection in ["documents", "knowledge"] {
        wait_for("both have a share", async || shares(&system, projection).await == [8, 8]).await;
    }
    let held = workers(&system, "documents").await;
    let held = held.iter().find(|(who, _)| who.ends_with(&name)).map(|(_, shards)| shards.clone()).expect("its shards");
    let clients = spread(&system, 10).await;
    let (theirs, ours): (Vec<Client>, Vec<Client>) = clients
        .into_iter()
        .partition(|client| held.contains(&events::partition(Some(events::WorkspaceId(client.workspace)))));
    let (stopped, going_on) = (theirs.first().expect("a workspace of its"), ours.first().expect("one of the other's"));
    let user = User::begin(going_on).await;

    // It is stopped in the middle of a transaction: its statement waits for a lock, and ends when nobody listens any more.
    let mut lock = database.begin().await.expect("a transaction");
    sqlx::query("lock table read_model.workspace_statistics in exclusive mode")
        .execute(&mut *lock)
        .await
        .expect("a lock");
    let uploaded = stopped.upload("while it sleeps", "text").await;
    let backend = "select count(*) from pg_stat_activity a join pg_locks l using (pid)
                   join operations.member m on a.application_name = 'projector-documents-' || replace(m.id::text, '-', '')
                   where m.name like $1 and l.relation = 'read_model.checkpoint'::regclass and ";
    let is_waiting = format!("{backend} a.wait_event_type = 'Lock'");
    let is_idle = format!("{backend} a.state = 'idle in transaction'");
    let pattern = format!("%{name}");
    wait_for("it waits for the lock", async || count(&database, &is_waiting, &pattern).await > 0).await;
    let slept = seconds(&database, NOW).await;
    send(pid, Signal::STOP);
    lock.rollback().await.expect("the lock can be released");
    wait_for("its transaction is open", async || count(&database, &is_waiting, &pattern).await == 0).await;
    stopped.document(&uploaded.id(), uploaded.sequence()).await;
    for projection in ["documents", "knowledge"] {
        wait_for("the other has everything", async || shares(&system, projection).await == [SHARDS]).await;
    }
    let after = seconds(&database, TAKEN).await - slept;
    assert!(after < FAILOVER, "its shards moved after {after} s");
    assert_eq!(count(&database, &is_idle, &pattern).await, 0, "its transaction was ended");
    let last = stopped.upload("after it was passed over", "text").await;
    stopped.document(&last.id(), last.sequence()).await;

    send(pid, Signal::CONT);
    for projection in ["documents", "knowledge"] {
        wait_for("it has a share again", async || shares(&system, projection).await == [8, 8]).await;
    }
    let again = stopped.upload("when it is awake", "text").await;
    stopped.document(&again.id(), again.sequence()).await;
    user.end().await;
    nobody_moved_what_they_did_not_hold(&database).await;
    drop(other);
    system.finish_after_faults().await;
}

#[tokio::test]
async fn who_lost_a_lease_commits_nothing_even_before_noticing() {
    let system = System::start(PROGRAM).await;
    let database = audited(&system).await;
    let ada = system.client("ada").await;
    let shard = events::partition(Some(events::WorkspaceId(ada.workspace))) as i16;
    let another = uuid::Uuid::from_u128(1);
    let run = async |query: &'static str| {
        let mut changing = database.begin().await.expect("a transaction");
        // Nobody is then between looking at the lease, to move a checkpoint, and the trigger's look at it.
        let lock = "lock table read_model.checkpoint in share mode";
        sqlx::query(lock).execute(&mut *changing).await.expect("nobody moves one for long");
        let done =
            sqlx::query(query).bind(another).bind(shard).execute(&mut *changing).await.expect("leases can be changed");
        assert_eq!(done.rows_affected(), 1);
        changing.commit().await.expect("leases can be changed");
    };
    for round in 0..5 {
        run("insert into operations.member select $1, 'documents', 'another', now(), 'infinity' where $2 >= 0").await;
        run("update operations.lease set owner = $1 where projection = 'documents' and shard = $2").await;
        let uploaded = ada.upload(&format!("round {round}"), "text").await;
        let has_noticed = async || {
            let held = workers(&system, "documents").await;
            !held.is_empty() && held.iter().all(|(who, shards)| who == "another" || shards.len() < SHARDS - 1)
        };
        wait_for("it was noticed", has_noticed).await;
        run("delete from operations.member where id = $1 and $2 >= 0").await;
        ada.document(&uploaded.id(), uploaded.sequence()).await;
    }
    let lost = "select count(*) from public.moved where projection = $1 and not is_holder";
    assert_eq!(count(&database, lost, "documents").await, 0, "moved without the lease");
    sqlx::query("delete from operations.member where id = $1")
        .bind(another)
        .execute(&database)
        .await
        .expect("it leaves");
    system.finish_after_faults().await;
}

#[tokio::test]
async fn a_projector_that_is_told_to_stop_gives_its_shards_back_at_once() {
    let system = System::start_with(PROGRAM, &[("SYNCBOARD_PROJECTOR_LEASE", "10m")]).await;
    let mut other = system.another_projector(&[]);
    wait_for("both have a share", async || shares(&system, "documents").await == [8, 8]).await;
    send(other.id().expect("it runs"), Signal::TERM);
    assert!(other.wait().await.expect("it ends").success());
    wait_for("nobody waited for the lease", async || shares(&system, "documents").await == [SHARDS]).await;
    system.finish().await;
}

async fn audited(system: &System) -> PgPool {
    let database = system.database().await;
    sqlx::raw_sql(AUDIT).execute(&database).await.expect("moves can be noted");
    database
}

/// Every shard went through the log in one line, and only in the hands of whoever held it.
async fn nobody_moved_what_they_did_not_hold(database: &PgPool) {
    let moved: Vec<(String, i16, i64, i64, String, bool)> =
        sqlx::query_as("select projection, shard, earlier, later, mover, is_holder from public.moved order by at")
            .fetch_all(database)
            .await
            .expect("moves were noted");
    assert!(moved.len() > 100, "{} moves", moved.len());
    let mut stands: BTreeMap<(String, i16), i64> = BTreeMap::new();
    let mut movers = BTreeSet::new();
    for (projection, shard, earlier, later, mover, is_holder) in moved {
        assert!(is_holder, "{mover} moved shard {shard} of {projection} to {later} and did not hold it");
        let before = stands.insert((projection.clone(), shard), later);
        assert!(before.is_none_or(|before| before == earlier), "shard {shard} of {projection} jumped to {earlier}");
        movers.insert(mover);
    }
    assert!(movers.len() >= 4, "two projectors at least worked on two projections: {movers:?}");
}

async fn count(database: &PgPool, query: &str, name: &str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(name).fetch_one(database).await.expect("the database answers")
}

async fn seconds(database: &PgPool, query: &'static str) -> f64 {
    sqlx::query_scalar(query).fetch_one(database).await.expect("the database answers")
}

/// Users whose workspaces are in different shards, mostly.
async fn spread(system: &System, count: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for n in 0..count {
        clients.push(system.client(&format!("user{n}")).await);
    }
    clients
}

/// How many shards of a projection each projector has, the fewest first.
async fn shares(system: &System, projection: &str) -> Vec<usize> {
    let mut shares: Vec<usize> = workers(system, projection).await.values().map(BTreeSet::len).collect();
    shares.sort_unstable();
    shares
}

/// Who works on which shards of a projection; nobody where that could not be asked for.
async fn workers(system: &System, projection: &str) -> BTreeMap<String, BTreeSet<u64>> {
    let mut workers: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    let status = system.projector(&["status", "--json"]).await;
    if !status.status.success() {
        return workers;
    }
    let reports: Value = serde_json::from_slice(&status.stdout).expect("the status is JSON");
    let report =
        reports.as_array().and_then(|reports| reports.iter().find(|report| report["projection"] == projection));
    let shards = report.and_then(|report| report["shards"].as_array()).expect("shards");
    for shard in shards.iter().filter(|shard| shard["projector"].is_string()) {
        let (who, which) = (shard["projector"].as_str().expect("a name"), shard["shard"].as_u64().expect("a number"));
        workers.entry(who.to_owned()).or_default().insert(which);
    }
    workers
}
