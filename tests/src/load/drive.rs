//! Load from this process: a task for each user and each listener.

use super::listener::{self, Listener, Written};
use super::profiles::{Form, Plan};
use super::record::Record;
use super::target::Target;
use super::visitor::Visitor;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How often the number of users is set.
const TICK: Duration = Duration::from_millis(50);

/// Loads a system as a plan says. Users come and go one by one; who is to leave ends the step at hand.
///
/// # Panics
/// If accounts cannot be made.
pub async fn drive(target: &Target, plan: &Plan) -> Record {
    let clients = target.clients(plan).await;
    let plan = Arc::new(plan.clone());
    let mut record = Record { samples: Vec::new(), length: plan.form.length() };
    let mut opened = Vec::new();
    for account in (0..clients.len()).cycle().take(plan.form.listeners) {
        match Listener::open(&clients[account].1, account).await {
            Ok(listener) => opened.push(listener),
            Err(error) => record.samples.push(listener::failure(&error)),
        }
    }
    let (begin, patience) = (Instant::now(), plan.habits.timeout());
    let (end, ended) = watch::channel(None);
    let mut listeners = JoinSet::new();
    for listener in opened {
        listeners.spawn(listener.listen(begin, ended.clone(), patience));
    }
    let (wanted, seen) = watch::channel(0);
    let mut visitors = JoinSet::new();
    for n in 0..plan.form.most_users() {
        let (username, client) = clients[n % clients.len()].clone();
        visitors.spawn(Visitor::new(client, username, n, plan.clone(), begin).visit(seen.clone()));
    }
    steer(&plan.form, begin, &wanted).await;
    drop(wanted);
    let mut written = Written::default();
    for (n, visited) in visitors.join_all().await {
        record.samples.extend(visited.samples);
        Arc::make_mut(&mut written).entry(n % clients.len()).or_default().extend(visited.written);
    }
    end.send_replace(Some(written));
    record.samples.extend(listeners.join_all().await.into_iter().flatten());
    record
}

/// Sets the number of users to what the stages say, until they are over.
async fn steer(form: &Form, begin: Instant, wanted: &watch::Sender<usize>) {
    while begin.elapsed() < form.length() {
        wanted.send_replace(form.users_at(begin.elapsed()));
        sleep(TICK).await;
    }
    wanted.send_replace(0);
}
