//! A user: logs in, and takes one step after the other, each chosen by the weights of the mix.

use super::profiles::{Act, Plan};
use super::record::{Sample, Step};
use super::socket::{self, Socket};
use crate::client::Client;
use crate::numbers::Numbers;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// A user at work.
pub(super) struct Visitor {
    client: Client,
    username: String,
    number: usize,
    plan: Arc<Plan>,
    begin: Instant,
    numbers: Numbers,
    steps_left: u32,
    titles: u64,
    known: Vec<Known>,
    visited: Visited,
}

/// What a user did.
#[derive(Default)]
pub(super) struct Visited {
    pub(super) samples: Vec<Sample>,
    /// Sequences of its acknowledged commands.
    pub(super) written: Vec<u64>,
}

/// A document as its writer knows it.
#[derive(Clone)]
struct Known {
    id: String,
    sequence: u64,
}

impl Visitor {
    /// The user with a number, who has not logged in.
    pub(super) fn new(client: Client, username: String, number: usize, plan: Arc<Plan>, begin: Instant) -> Self {
        let (numbers, visited) = (Numbers::new(number as u64), Visited::default());
        Self { client, username, number, plan, begin, numbers, steps_left: 0, titles: 0, known: Vec::new(), visited }
    }

    /// Works while there are to be more users than its number, until nobody says how many; answers number and deeds.
    pub(super) async fn visit(mut self, mut wanted: watch::Receiver<usize>) -> (usize, Visited) {
        while wanted.wait_for(|users| *users > self.number).await.is_ok() {
            self.act().await;
            let [least, most] = self.plan.habits.think_ms;
            sleep(Duration::from_millis(least + self.numbers.below(most - least))).await;
        }
        (self.number, self.visited)
    }

    /// Takes a step, after logging in if it is time to.
    async fn act(&mut self) {
        if self.steps_left == 0 && !self.log_in().await {
            return;
        }
        self.steps_left -= 1;
        if self.known.is_empty() {
            return self.upload().await;
        }
        let known = self.numbers.below(self.known.len() as u64) as usize;
        match self.plan.chosen(&mut self.numbers) {
            Act::Upload => self.upload().await,
            Act::Edit => self.edit(known).await,
            Act::Read => self.read(known).await,
            Act::List => self.list().await,
            Act::Subscribe => self.subscribe(known).await,
        }
    }

    async fn log_in(&mut self) -> bool {
        let credentials = crate::client::credentials(&self.username);
        let request = self.client.command(Method::POST, "/v1/tokens").json(&credentials);
        let Some(token) = self.ask(Step::LogIn, request, |token| token["access_token"].is_string()).await else {
            return false;
        };
        self.client.token = token["access_token"].as_str().unwrap_or_default().to_owned();
        self.steps_left = self.plan.habits.steps_per_login;
        true
    }

    /// Uploads a text, and reads it as soon as it can be seen.
    async fn upload(&mut self) {
        let title = self.title();
        let body = json!({ "title": title, "text": self.text(), "tags": ["load"] });
        let request = self.client.command(Method::POST, "/v1/documents").header("Idempotency-Key", &title).json(&body);
        let Some(uploaded) = self.ask(Step::Upload, request, is_written).await else { return };
        let known = Known { id: id(&uploaded), sequence: sequence(&uploaded) };
        self.visited.written.push(known.sequence);
        if self.known.len() == self.plan.habits.documents {
            self.known.remove(0);
        }
        self.known.push(known.clone());
        let request = self.document(&known);
        self.ask(Step::Visible, request, |document| document["title"] == title).await;
    }

    async fn edit(&mut self, n: usize) {
        let Known { id, sequence: before } = self.known[n].clone();
        let request = self.client.command(Method::PUT, &format!("/v1/documents/{id}/title"));
        let request = request.header("If-Match", format!("\"{before}\"")).json(&json!({ "title": self.title() }));
        match self.ask(Step::Edit, request, is_written).await {
            Some(edited) => {
                self.known[n].sequence = sequence(&edited);
                self.visited.written.push(sequence(&edited));
            }
            // Whether it happened all the same, nobody has said.
            None => drop(self.known.remove(n)),
        }
    }

    async fn read(&mut self, n: usize) {
        let known = self.known[n].clone();
        let request = self.document(&known);
        self.ask(Step::Read, request, |document| sequence(document) == known.sequence).await;
    }

    async fn list(&mut self) {
        let request = self.client.query(Method::GET, &format!("/v1/documents?limit={}", self.plan.habits.page));
        self.ask(Step::List, request, |list| list["documents"].as_array().is_some_and(|page| !page.is_empty())).await;
    }

    /// Asks for the last event of a document, and waits until it comes.
    async fn subscribe(&mut self, n: usize) {
        let Known { id, sequence } = self.known[n].clone();
        let request = self.client.query(Method::POST, socket::TICKETS);
        let Some(ticket) = self.ask(Step::Ticket, request, |ticket| ticket["ticket"].is_string()).await else { return };
        let begun = Instant::now();
        let wanted = format!("&after={}&id={id}", sequence - 1);
        let heard = async { Socket::open(&self.client, &ticket, &wanted).await?.next().await };
        let failure = match timeout(self.plan.habits.timeout(), heard).await {
            Ok(Ok(event)) if event.sequence == sequence => None,
            Ok(Ok(_)) => Some("another event".to_owned()),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("no event".to_owned()),
        };
        self.tell(Step::Subscribe, begun, failure);
    }

    /// A document, no older than it is known.
    fn document(&self, known: &Known) -> RequestBuilder {
        let Known { id, sequence } = known;
        self.client.query(Method::GET, &format!("/v1/documents/{id}?min_sequence={sequence}"))
    }

    /// Sends a request and measures it to the end of its answer, which must be one of success of which something holds.
    async fn ask(&mut self, step: Step, request: RequestBuilder, holds: impl FnOnce(&Value) -> bool) -> Option<Value> {
        let begun = Instant::now();
        let answered =
            async { request.timeout(self.plan.habits.timeout()).send().await?.error_for_status()?.bytes().await }.await;
        let answer = match answered {
            Ok(body) => {
                let answer = serde_json::from_slice(&body).ok().filter(holds);
                answer.ok_or_else(|| "not what was asked for".to_owned())
            }
            Err(error) => Err(error.status().map_or("no answer".to_owned(), |status| status.as_str().to_owned())),
        };
        self.tell(step, begun, answer.as_ref().err().cloned());
        answer.ok()
    }

    fn tell(&mut self, step: Step, begun: Instant, failure: Option<String>) {
        self.visited.samples.push(Sample { step, at: self.begin.elapsed(), took: begun.elapsed(), failure });
    }

    /// A title that is like no other.
    fn title(&mut self) -> String {
        self.titles += 1;
        format!("{}-{}-{}", self.username, self.number, self.titles)
    }

    fn text(&mut self) -> String {
        let habits = &self.plan.habits;
        let words = (0..habits.text_words).map(|_| self.numbers.one_of(&habits.words).as_str());
        words.collect::<Vec<_>>().join(" ")
    }
}

fn is_written(answer: &Value) -> bool {
    answer["id"].is_string() && answer["sequence"].is_u64()
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap_or_default().to_owned()
}

fn sequence(answer: &Value) -> u64 {
    answer["sequence"].as_u64().unwrap_or_default()
}
