//! The kinds of projects that are suggested. A template says `{subject}` for what it is held against, and `{0}`, `{1}` for
//! the most frequent concepts that meet its first and second essential need.

use super::grounds::Scope;
use super::needs::{Need, Of};
use events::Category;

/// A kind of project.
pub(super) struct Archetype {
    /// Its name for programs.
    pub(super) kind: &'static str,
    /// Its name for people, within a sentence.
    pub(super) name: &'static str,
    pub(super) scope: Scope,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    /// Days of one person who knows everything that is needed.
    pub(super) days: u32,
    pub(super) needs: &'static [Need],
    /// What is learned by doing.
    pub(super) crafts: &'static [&'static str],
    pub(super) steps: &'static [&'static str],
}

const fn essential(what: &'static str, of: Of) -> Need {
    Need { what, is_essential: true, of }
}

const fn helpful(what: &'static str, of: Of) -> Need {
    Need { what, is_essential: false, of }
}

const fn knowledge(categories: &'static [Category], words: &'static [&'static str]) -> Of {
    Of::Knowledge { categories, words }
}

const LANGUAGE: Of = knowledge(&[Category::Language], &[]);
const STORE: Of = knowledge(&[Category::Database], &["database", "storage", "warehouse"]);
const OPERATIONS: Of = knowledge(&[Category::Devops, Category::Platform], &["deployment", "container", "cloud"]);
const TESTING: Of = knowledge(&[Category::Testing], &["test", "testing"]);
const MONITORING: Of = knowledge(&[], &["monitoring", "metric", "observability", "tracing", "alert", "logging"]);
const DOCUMENTS: &str = "documents";
const CONCEPTS: &str = "concepts";
const FOR_BEGINNERS: &str = "documents for beginners";
const FOR_THE_ADVANCED: &str = "documents for the advanced";

/// Every kind, technical ones first.
pub(super) const ARCHETYPES: &[Archetype] = &[
    Archetype {
        kind: "web_service",
        name: "a web service",
        scope: Scope::Workspace,
        title: "A web service in {0} with {1}",
        description: "A service with a documented HTTP interface that does one thing your documents describe, from its first \
            route to its operation.",
        days: 15,
        needs: &[
            essential("a programming language", LANGUAGE),
            essential(
                "web frameworks and interfaces",
                knowledge(&[Category::Framework], &["web", "http", "rest", "api", "graphql", "server"]),
            ),
            helpful("a database", STORE),
            helpful("deployment and operation", OPERATIONS),
            helpful("testing", TESTING),
        ],
        crafts: &["designing interfaces"],
        steps: &[
            "Write down the three requests that matter most, with an example of each answer.",
            "Build the first of them in {0} with {1}, from end to end, with a test.",
            "Add storage and errors with stable codes, then the other two.",
            "Put it where somebody else can use it, and watch what happens.",
        ],
    },
    Archetype {
        kind: "data_pipeline",
        name: "a data pipeline",
        scope: Scope::Workspace,
        title: "A data pipeline into {0}",
        description: "Takes data from where it arises, checks and transforms it, and keeps a table up to date that people can ask.",
        days: 12,
        needs: &[
            essential("a database", STORE),
            essential(
                "processing of data",
                knowledge(
                    &[],
                    &[
                        "pipeline",
                        "etl",
                        "stream",
                        "streaming",
                        "batch",
                        "ingestion",
                        "spark",
                        "kafka",
                        "airflow",
                        "flink",
                        "dataset",
                    ],
                ),
            ),
            helpful("a programming language", LANGUAGE),
            helpful("monitoring", MONITORING),
        ],
        crafts: &["agreeing on what data mean"],
        steps: &[
            "Choose one source and one question that its data answer.",
            "Load a day of it into {0} by hand and answer the question.",
            "Automate that with {1}, and make running it twice harmless.",
            "Count what goes in, what comes out and what is refused.",
        ],
    },
    Archetype {
        kind: "dashboard",
        name: "a dashboard",
        scope: Scope::Workspace,
        title: "A dashboard of {0}",
        description: "A page on which people see at once how something is doing, and what to look at.",
        days: 8,
        needs: &[
            essential(
                "measuring and showing",
                knowledge(
                    &[],
                    &[
                        "dashboard",
                        "metric",
                        "visualization",
                        "visualisation",
                        "analytics",
                        "chart",
                        "monitoring",
                        "statistics",
                        "report",
                    ],
                ),
            ),
            essential(
                "where the numbers are",
                knowledge(&[Category::Database], &["data", "database", "dataset", "log"]),
            ),
            helpful(
                "the page itself",
                knowledge(&[], &["frontend", "css", "html", "javascript", "react", "interface", "design"]),
            ),
        ],
        crafts: &["asking people what they decide by it"],
        steps: &[
            "Ask three people which number would change what they do.",
            "Draw the page on paper with these numbers only.",
            "Fill it from {1}, the most wanted number first.",
            "Look after two weeks which numbers nobody looks at, and remove them.",
        ],
    },
    Archetype {
        kind: "learning_model",
        name: "a model that learns from data",
        scope: Scope::Workspace,
        title: "A model that learns: {0}",
        description: "Predicts or sorts something by examples, beside a simple baseline that it has to beat.",
        days: 20,
        needs: &[
            essential(
                "machine learning",
                knowledge(
                    &[],
                    &[
                        "learning",
                        "neural",
                        "classifier",
                        "classification",
                        "regression",
                        "training",
                        "prediction",
                        "embedding",
                        "transformer",
                        "tensorflow",
                        "pytorch",
                    ],
                ),
            ),
            essential(
                "data to learn from",
                knowledge(&[], &["data", "dataset", "corpus", "sample", "example", "image", "signal", "text"]),
            ),
            helpful("algorithms", knowledge(&[Category::Algorithm], &["algorithm", "optimization"])),
            helpful(
                "judging results",
                knowledge(&[], &["evaluation", "accuracy", "precision", "benchmark", "statistics", "error"]),
            ),
            helpful("a programming language", LANGUAGE),
        ],
        crafts: &["stating what a good answer is"],
        steps: &[
            "Write down what a right answer is, and collect two hundred examples.",
            "Build the simplest baseline that could work, and measure it.",
            "Try {0}, on examples that it has not seen.",
            "Read the worst twenty answers, and decide by them what to do next.",
        ],
    },
    Archetype {
        kind: "search",
        name: "a search over documents",
        scope: Scope::Workspace,
        title: "A search that finds answers, with {0}",
        description: "Finds the passage that answers a question in a collection that is too large to read.",
        days: 12,
        needs: &[
            essential(
                "search and language",
                knowledge(
                    &[],
                    &["search", "retrieval", "index", "indexing", "ranking", "query", "embedding", "semantic", "nlp"],
                ),
            ),
            helpful("a database", STORE),
            helpful(
                "judging results",
                knowledge(&[], &["evaluation", "precision", "recall", "relevance", "benchmark"]),
            ),
            helpful("a programming language", LANGUAGE),
        ],
        crafts: &["collecting real questions"],
        steps: &[
            "Collect thirty questions that people really asked, with the passages that answer them.",
            "Index the collection in the plainest way, and count how many passages it finds.",
            "Improve it with {0}, one change at a time, and count again.",
            "Show with each answer where it is from.",
        ],
    },
    Archetype {
        kind: "event_driven_system",
        name: "an event-driven system",
        scope: Scope::Workspace,
        title: "An event-driven system around {0}",
        description: "Parts that tell each other what happened, can be run again from their history, and fail apart.",
        days: 25,
        needs: &[
            essential(
                "messages and events",
                knowledge(
                    &[Category::IntegrationPattern],
                    &[
                        "event",
                        "message",
                        "messaging",
                        "queue",
                        "stream",
                        "streaming",
                        "kafka",
                        "nats",
                        "rabbitmq",
                        "saga",
                    ],
                ),
            ),
            essential("a programming language", LANGUAGE),
            helpful(
                "architecture",
                knowledge(&[Category::Architecture], &["architecture", "microservice", "distributed"]),
            ),
            helpful("a database", STORE),
            helpful("monitoring", MONITORING),
            helpful("testing", TESTING),
        ],
        crafts: &["finding where one part ends"],
        steps: &[
            "Write the ten events of one process on cards, in their order, with those who care for each.",
            "Build the one part that decides and the one view that is read most.",
            "Rebuild the view from its events, and compare.",
            "Kill each part while it works, and see what is lost.",
        ],
    },
    Archetype {
        kind: "delivery_platform",
        name: "a way from a commit to operation",
        scope: Scope::Workspace,
        title: "From a commit to operation with {0}",
        description: "Builds, tests and delivers a program without hands, and takes it back when something is wrong.",
        days: 10,
        needs: &[
            essential(
                "building and delivering",
                knowledge(
                    &[Category::Devops],
                    &["deployment", "pipeline", "continuous", "container", "docker", "kubernetes"],
                ),
            ),
            essential("where it runs", knowledge(&[Category::Platform], &["cloud", "linux", "server", "cluster"])),
            helpful("monitoring", MONITORING),
            helpful("security", knowledge(&[], &["security", "secret", "encryption", "vulnerability"])),
            helpful("testing", TESTING),
        ],
        crafts: &["writing runbooks"],
        steps: &[
            "Write down every step that a person takes today.",
            "Automate the build and its tests first.",
            "Deliver to {1} with {0}, and practise taking a delivery back.",
            "Measure how long a change of one line takes.",
        ],
    },
    Archetype {
        kind: "mobile_app",
        name: "an app for phones",
        scope: Scope::Workspace,
        title: "An app for phones with {0}",
        description: "One task that people have on the way, done in a few touches, also without a network.",
        days: 25,
        needs: &[
            essential(
                "building apps",
                knowledge(&[], &["mobile", "android", "ios", "swift", "kotlin", "flutter", "smartphone", "phone"]),
            ),
            helpful(
                "designing for people",
                knowledge(&[], &["design", "interface", "ux", "usability", "accessibility"]),
            ),
            helpful("a service behind it", knowledge(&[Category::Framework], &["api", "backend", "server"])),
            helpful("testing", TESTING),
        ],
        crafts: &["watching people use it"],
        steps: &[
            "Watch three people do the task without an app.",
            "Draw its three screens, and let the same people use the paper.",
            "Build the first screen with {0}, without a network.",
            "Give it to five people for a week, and ask what they missed.",
        ],
    },
    Archetype {
        kind: "command_line_tool",
        name: "a program for the command line",
        scope: Scope::Workspace,
        title: "A program for the command line in {0}",
        description: "Does one chore that your documents describe step by step, in one command with clear messages.",
        days: 4,
        needs: &[
            essential("a programming language", LANGUAGE),
            essential(
                "the command line and automation",
                knowledge(&[], &["shell", "script", "scripting", "automation", "terminal", "cli", "command", "bash"]),
            ),
            helpful("testing", TESTING),
        ],
        crafts: &["writing messages that help"],
        steps: &[
            "Choose the chore, and write its --help first.",
            "Write it in {0} for the case that happens most.",
            "Add what goes wrong: each message says what to do.",
        ],
    },
    Archetype {
        kind: "test_suite",
        name: "a test suite",
        scope: Scope::Workspace,
        title: "A test suite with {0}",
        description: "Says within minutes whether a system still does what it must, and can itself fail.",
        days: 8,
        needs: &[
            essential("testing", TESTING),
            essential(
                "what is tested",
                knowledge(
                    &[Category::Language, Category::Framework, Category::Library],
                    &["system", "software", "application"],
                ),
            ),
            helpful("building and delivering", OPERATIONS),
        ],
        crafts: &["thinking of what can go wrong"],
        steps: &[
            "List the five ways in which the system has failed before.",
            "Write a test for each with {0}, and see each fail once.",
            "Run them at every change, and mend what fails by chance first.",
        ],
    },
    Archetype {
        kind: "security_review",
        name: "a security review",
        scope: Scope::Workspace,
        title: "A security review of {1}, from {0} on",
        description: "What could be attacked, by whom, what speaks against it, and what to mend first.",
        days: 6,
        needs: &[
            essential(
                "security",
                knowledge(
                    &[],
                    &[
                        "security",
                        "authentication",
                        "authorization",
                        "encryption",
                        "vulnerability",
                        "attack",
                        "threat",
                        "privacy",
                        "password",
                        "token",
                    ],
                ),
            ),
            essential(
                "the system",
                knowledge(
                    &[Category::Platform, Category::Framework, Category::Architecture, Category::Database],
                    &["system", "network", "server", "software"],
                ),
            ),
            helpful("operation", OPERATIONS),
        ],
        crafts: &["thinking as an attacker"],
        steps: &[
            "Draw what data go where, and who may see them.",
            "For each line of the drawing, write down what an attacker would try.",
            "Hold each against what your documents say of {0}.",
            "Rank what is left by harm and likelihood, and mend the first three.",
        ],
    },
    Archetype {
        kind: "algorithm_library",
        name: "a library",
        scope: Scope::Workspace,
        title: "A library for {0} in {1}",
        description: "One method, well named, with examples, honest about its limits and measured against what exists.",
        days: 12,
        needs: &[
            essential("algorithms", knowledge(&[Category::Algorithm], &["algorithm", "heuristic"])),
            essential("a programming language", LANGUAGE),
            helpful("testing", TESTING),
            helpful("judging results", knowledge(&[], &["benchmark", "evaluation", "complexity", "performance"])),
        ],
        crafts: &["documenting"],
        steps: &[
            "Write the example that you would want to find on its first page.",
            "Write {0} in the plainest way, and test it against results that are known.",
            "Measure, then make it fast where it matters.",
            "Let somebody use it who has not read the code.",
        ],
    },
    Archetype {
        kind: "course",
        name: "a course",
        scope: Scope::Cluster,
        title: "A course: {subject}",
        description: "Lessons from the first words to what specialists argue about, each with something to do.",
        days: 10,
        needs: &[
            essential(DOCUMENTS, Of::Documents(5)),
            essential(CONCEPTS, Of::Concepts(8)),
            helpful(FOR_BEGINNERS, Of::Beginner(2)),
            helpful(FOR_THE_ADVANCED, Of::Advanced(2)),
        ],
        crafts: &["explaining"],
        steps: &[
            "Write down what somebody can do after the last lesson.",
            "Put the concepts in an order in which each needs only earlier ones.",
            "Choose for each lesson the one document that explains best, and an exercise.",
            "Teach the first lesson to one person, and mend the second by it.",
        ],
    },
    Archetype {
        kind: "glossary",
        name: "a glossary",
        scope: Scope::Cluster,
        title: "A glossary: {subject}",
        description: "Each term in one or two sentences, with the document to read next, so that everybody means the same.",
        days: 3,
        needs: &[essential(CONCEPTS, Of::Concepts(12)), essential(DOCUMENTS, Of::Documents(3))],
        crafts: &["writing short"],
        steps: &[
            "Take the twenty most frequent concepts as the list of terms.",
            "Write each in two sentences, from a document that uses it well.",
            "Mark terms that two documents use differently, and decide.",
        ],
    },
    Archetype {
        kind: "handbook",
        name: "a handbook",
        scope: Scope::Cluster,
        title: "A handbook: {subject}",
        description: "How things are done and why, in one place that newcomers read first and others look things up in.",
        days: 8,
        needs: &[
            essential(DOCUMENTS, Of::Documents(6)),
            essential(
                "ways of doing things",
                knowledge(
                    &[Category::Methodology, Category::BusinessLogic, Category::Capability],
                    &[
                        "process",
                        "policy",
                        "guide",
                        "procedure",
                        "rule",
                        "practice",
                        "management",
                        "workflow",
                        "method",
                    ],
                ),
            ),
            helpful(CONCEPTS, Of::Concepts(12)),
            helpful(FOR_BEGINNERS, Of::Beginner(1)),
        ],
        crafts: &["editing"],
        steps: &[
            "Ask the last newcomer which five things were hardest to find out.",
            "Write these five pages first, with links to the documents.",
            "Name one person for each page, and a day on which it is read again.",
        ],
    },
    Archetype {
        kind: "research_overview",
        name: "an overview of research",
        scope: Scope::Cluster,
        title: "An overview: {subject}",
        description: "What is known, who disagrees about what, and what nobody has looked at, each with its source.",
        days: 12,
        needs: &[
            essential(DOCUMENTS, Of::Documents(10)),
            essential(CONCEPTS, Of::Concepts(15)),
            helpful(FOR_THE_ADVANCED, Of::Advanced(3)),
        ],
        crafts: &["weighing sources"],
        steps: &[
            "State the question in one sentence.",
            "Sort the documents by what they claim, and note what each claim rests on.",
            "Write a paragraph for each claim, for and against.",
            "List what no document answers: that is the next research.",
        ],
    },
    Archetype {
        kind: "comparison",
        name: "a comparison",
        scope: Scope::Alternatives,
        title: "A comparison: {subject}",
        description: "Which to take when: the same questions to both, answered from documents and a trial.",
        days: 3,
        needs: &[essential("documents that speak of either", Of::Documents(4))],
        crafts: &["asking both the same questions"],
        steps: &[
            "Write down for whom the choice is, and the five questions that decide it.",
            "Answer them from the documents, and mark what nobody says.",
            "Try both on one small real case.",
            "Write one page: take the one when …, the other when ….",
        ],
    },
    Archetype {
        kind: "questions_and_answers",
        name: "a page of questions and answers",
        scope: Scope::Cluster,
        title: "Questions and answers: {subject}",
        description: "What people ask first, answered in a few lines each, with where to read on.",
        days: 2,
        needs: &[essential(FOR_BEGINNERS, Of::Beginner(2)), essential(DOCUMENTS, Of::Documents(4))],
        crafts: &["listening to questions"],
        steps: &[
            "Collect the questions that were asked in the last month.",
            "Answer the ten most frequent from the documents for beginners.",
            "Link each answer to the document that says more.",
        ],
    },
    Archetype {
        kind: "briefing",
        name: "a briefing",
        scope: Scope::Cluster,
        title: "A briefing: what is new in {subject}",
        description: "A page that says what the latest documents add or change, for people who do not read them all.",
        days: 1,
        needs: &[essential("documents that came in the last weeks", Of::Recent(4)), helpful(CONCEPTS, Of::Concepts(8))],
        crafts: &["telling what matters"],
        steps: &[
            "Read the newest documents, and write one sentence for each.",
            "Put together what belongs together, and say what it changes for the reader.",
            "Send it, and ask three readers what they did because of it.",
        ],
    },
    Archetype {
        kind: "talk",
        name: "a talk",
        scope: Scope::Cluster,
        title: "A talk: {subject}",
        description: "Twenty minutes that leave listeners with one thought and the wish to read more.",
        days: 3,
        needs: &[essential(DOCUMENTS, Of::Documents(3)), essential(CONCEPTS, Of::Concepts(5))],
        crafts: &["telling a story"],
        steps: &[
            "Write the one sentence that should stay.",
            "Choose three examples from the documents that lead to it.",
            "Tell it to one person without slides, then make the slides.",
        ],
    },
    Archetype {
        kind: "checklist",
        name: "a checklist",
        scope: Scope::Cluster,
        title: "A checklist: {subject}",
        description: "The steps that must not be forgotten, short enough to be used every time.",
        days: 1,
        needs: &[
            essential(
                "steps and rules",
                knowledge(
                    &[Category::Methodology, Category::BusinessLogic, Category::Testing],
                    &[
                        "step",
                        "process",
                        "rule",
                        "safety",
                        "quality",
                        "requirement",
                        "inspection",
                        "control",
                        "treatment",
                        "recipe",
                        "audit",
                    ],
                ),
            ),
            essential(DOCUMENTS, Of::Documents(4)),
        ],
        crafts: &["leaving out"],
        steps: &[
            "Write down what went wrong the last three times.",
            "Turn each into a step that can be ticked, nine at most.",
            "Use it twice, and strike what nobody needed.",
        ],
    },
    Archetype {
        kind: "essay",
        name: "an essay across two fields",
        scope: Scope::Bridge,
        title: "An essay: what {subject} have in common",
        description: "Two fields that are kept apart and speak of the same things: what each could learn from the other.",
        days: 4,
        needs: &[essential("concepts that both share", Of::Concepts(3)), essential(DOCUMENTS, Of::Documents(6))],
        crafts: &["seeing what is alike"],
        steps: &[
            "For each shared concept, write down how either field speaks of it.",
            "Find the one where they differ most, and ask why.",
            "Write two pages around that difference.",
        ],
    },
];
