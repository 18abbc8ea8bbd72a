//! Whatever users do, in whatever order: the numbers of a workspace agree with each other, and whoever reads the log again,
//! in batches of any size, finds the same.

use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::client::send;
use tests::knowledge::{check, encoded, valid_clusters};
use tests::numbers::Numbers;
use tests::texts::SUBJECTS;
use tests::{Client, System};
use uuid::Uuid;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");

/// Each is a user with a workspace; they act at the same time.
const SEEDS: [u64; 3] = [1, 2, 3];
const ACTIONS: usize = 300;
/// So many actions after each other, the numbers are compared.
const CHECKED_EVERY: usize = 60;
/// Actions of each user that are uploads, so that there is something to correct.
const FIRST_UPLOADS: usize = 12;

/// Names of concepts, several of each, as users write them and as queries show them.
const NAMES: [&str; 14] = [
    "Kubernetes",
    "k8s",
    "Containers",
    "container",
    "Docker image",
    "docker-images",
    "Sourdough Starters",
    "sourdough-starter",
    "dough",
    "Dark-matter",
    "dark matter halos",
    "galaxies",
    "House rules",
    "house rule",
];

/// How texts begin: with nothing, and with what makes the system join concepts: an acronym and its long form, slips of the
/// pen.
const BEGINNINGS: [&str; 6] = [
    "",
    "",
    "One sentence more. ",
    "Large language models (LLM) help. ",
    "The LLM is an LLM, with gravitatonal lensing. ",
    "We wrote of gravitational lensing and of autoscalling. ",
];

const RELATIONS: [&str; 5] = ["related", "prerequisite", "followup", "alternative", "supersedes"];

#[tokio::test]
async fn whatever_users_do_the_numbers_agree_and_a_rebuild_finds_the_same() {
    let system = System::start(PROGRAM).await;
    let mut users = Vec::new();
    for seed in SEEDS {
        let client = system.client(&format!("user-{seed}")).await;
        users.push((seed, tokio::spawn(User::new(client, seed).act())));
    }
    for (seed, user) in users {
        user.await.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    system.caught_up().await;
    // The end of the test rebuilds in batches of the usual size.
    for size in ["1", "7"] {
        let check = system.projector(&["rebuild", "--check", "--json", "--batch-events", size]).await;
        let reports = String::from_utf8_lossy(&check.stdout);
        assert!(check.status.success(), "in batches of {size}: {reports} {}", String::from_utf8_lossy(&check.stderr));
        assert_eq!(reports.lines().count(), 2, "one report for each projection: {reports}");
    }
    system.finish().await;
}

#[tokio::test]
async fn documents_of_one_subject_meet_in_a_cluster_whatever_their_order() {
    let system = System::start(PROGRAM).await;
    for (name, step) in [("ada", 1), ("ben", 7), ("cem", 11)] {
        let client = system.client(name).await;
        let (mut ids, mut last) = (vec![BTreeSet::new(); SUBJECTS.len()], 0);
        let count = SUBJECTS.len() * 10;
        for at in 0..count {
            let at = at * step % count;
            let (title, text) = SUBJECTS[at % SUBJECTS.len()].document(at / SUBJECTS.len());
            let uploaded = client.upload(&title, &text).await;
            last = uploaded.sequence();
            ids[at % SUBJECTS.len()].insert(uploaded.id());
        }
        let clusters = valid_clusters(&client, count, last).await;
        for cluster in clusters.values() {
            let subjects = ids.iter().filter(|ids| !ids.is_disjoint(cluster)).count();
            assert_eq!(subjects, 1, "a cluster has documents of more than one subject");
        }
        for ids in &ids {
            let most = clusters.values().map(|cluster| cluster.intersection(ids).count()).max().unwrap_or(0);
            assert!(most * 2 > ids.len(), "no cluster has most documents of a subject");
        }
    }
    system.finish().await;
}

/// Somebody who does anything.
struct User {
    client: Client,
    seed: u64,
    numbers: Numbers,
    /// Sequence of the last event.
    last: u64,
    /// Every document, also those in the trash.
    documents: Vec<String>,
    /// Those that were thrown away at some time.
    thrown: Vec<String>,
    /// Every cluster that was seen or made, also those that are no more.
    clusters: Vec<String>,
    /// Names and keys of concepts.
    names: Vec<String>,
    /// Those of which something was decided.
    decided: Vec<String>,
    refused: usize,
}

impl User {
    fn new(client: Client, seed: u64) -> Self {
        let names: Vec<String> = NAMES.map(str::to_owned).into();
        Self {
            client,
            seed,
            numbers: Numbers::new(seed),
            last: 0,
            documents: Vec::new(),
            thrown: Vec::new(),
            clusters: vec![Uuid::nil().to_string()],
            decided: names.clone(),
            names,
            refused: 0,
        }
    }

    async fn act(mut self) {
        for n in 1..=ACTIONS {
            let (method, path, body) = if n <= FIRST_UPLOADS { self.upload() } else { self.anything() };
            // A failed test shows what was done until then.
            println!("seed {}, action {n}: {method} {path} {body}", self.seed);
            self.send(method, &path, &body).await;
            if n % CHECKED_EVERY == 0 {
                let found = check(&self.client, &self.documents, self.last).await;
                println!("seed {}: {}", self.seed, found.totals);
                // What was found is what is corrected next.
                self.names.extend((0..4).map(|_| self.numbers.one_of(&found.concepts).clone()));
                self.clusters.extend(found.clusters);
            }
        }
        assert!(self.refused * 3 < ACTIONS, "{} actions were refused", self.refused);
    }

    async fn send(&mut self, method: Method, path: &str, body: &Value) {
        let request = self.client.command(method.clone(), path);
        let answer = send(if method == Method::DELETE { request } else { request.json(body) }).await;
        println!("seed {}: {} {}", self.seed, answer.status, answer.text);
        assert!(answer.status < 500, "{method} {path} {body}: {}", answer.text);
        if answer.status >= 400 {
            self.refused += 1;
            return;
        }
        self.last = self.last.max(answer.sequence());
        if path == "/v1/clusters" {
            self.clusters.push(answer.id());
        }
    }

    /// A document of any subject; some have the same text, and some nearly.
    fn text(&mut self) -> (String, String) {
        let n = self.numbers.below(12) as usize;
        let (title, text) = self.numbers.one_of(&SUBJECTS).document(n);
        (title, format!("{}{text}", self.numbers.one_of(&BEGINNINGS)))
    }

    fn upload(&mut self) -> (Method, String, Value) {
        let id = Uuid::from_u64_pair(self.seed, self.documents.len() as u64).to_string();
        self.documents.push(id.clone());
        let (title, text) = self.text();
        (Method::PUT, format!("/v1/documents/{id}"), json!({ "title": title, "text": text }))
    }

    /// An action at random. Clusters are seldom merged or given up: what is left of them could not be compared otherwise.
    fn anything(&mut self) -> (Method, String, Value) {
        let numbers = &mut self.numbers;
        let mut one_of = |things: &[String]| numbers.one_of(things).clone();
        let (id, other) = (one_of(&self.documents), one_of(&self.documents));
        let (name, into, decided) = (one_of(&self.names), one_of(&self.names), one_of(&self.decided));
        let (cluster_id, into_cluster) = (one_of(&self.clusters), one_of(&self.clusters));
        let (document, cluster) = (format!("/v1/documents/{id}"), format!("/v1/clusters/{cluster_id}"));
        let of_document = format!("{document}/concepts/{}", encoded(&name));
        let link = format!("{document}/links/{}/{other}", numbers.one_of(&RELATIONS));
        let (concept, decided) =
            (format!("/v1/concepts/{}", encoded(&name)), format!("/v1/concepts/{}", encoded(&decided)));
        let (post, put, delete) = (Method::POST, Method::PUT, Method::DELETE);
        match numbers.below(100) {
            0..20 => self.upload(),
            20..26 => (put, format!("{document}/content"), json!({ "text": self.text().1 })),
            26..29 => (put, format!("{document}/title"), json!({ "title": self.text().0 })),
            29..35 => {
                self.thrown.push(id);
                (delete, document, json!({}))
            }
            35..41 => match self.thrown.is_empty() {
                true => self.upload(),
                false => (post, format!("/v1/documents/{}/restore", self.numbers.one_of(&self.thrown)), json!({})),
            },
            41..44 => {
                self.thrown.push(other.clone());
                (post, format!("{document}/merge"), json!({ "from": other }))
            }
            44..52 => (put, of_document, json!({})),
            52..60 => (delete, of_document, json!({})),
            action @ 60..70 => {
                self.decided.push(name);
                match action {
                    60..63 => (put, format!("{concept}/name"), json!({ "name": into })),
                    63..67 => (post, format!("{concept}/merge"), json!({ "into": into })),
                    _ => (put, format!("{concept}/suppression"), json!({})),
                }
            }
            70..74 => (delete, format!("{decided}/merge"), json!({})),
            74..79 => (delete, format!("{decided}/suppression"), json!({})),
            79..82 => (put, format!("{cluster}/name"), json!({ "name": name })),
            82 => (post, format!("{cluster}/merge"), json!({ "into": into_cluster })),
            83 => (delete, cluster, json!({})),
            84 | 85 => (post, "/v1/clusters".to_owned(), json!({ "name": name })),
            86..90 => (put, format!("{document}/cluster"), json!({ "cluster_id": cluster_id })),
            90..93 => (delete, format!("{document}/cluster"), json!({})),
            93..98 => (put, link, json!({})),
            _ => (delete, link, json!({})),
        }
    }
}
