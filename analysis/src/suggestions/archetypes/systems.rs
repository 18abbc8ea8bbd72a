//! Systems that take, keep and show data.

use super::{Archetype, LANGUAGE, MONITORING, OPERATIONS, STORE, TESTING, essential, helpful, knowledge};
use crate::suggestions::grounds::Scope;
use events::Category;

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
];
