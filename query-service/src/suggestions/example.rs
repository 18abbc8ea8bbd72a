//! An example of suggestions: what the rules say of a workspace about containers.

use super::starters::Starter;
use super::{Suggestions, view};
use analysis::suggestions::{Bank, Cluster, Concept, suggest};
use events::Category;
use poem_openapi::types::Example;
use runtime::http::example;
use std::collections::HashMap;

impl Example for Suggestions {
    fn example() -> Self {
        let name = example::concept();
        let concepts = [
            ("container", "container", Category::Concept, 7),
            ("kernel", "kernel", Category::Concept, 4),
            ("image", "image", Category::Concept, 4),
            ("volume", "volume", Category::Concept, 3),
            ("network", "network", Category::Concept, 3),
            (example::CONCEPT_KEY, &name, Category::Database, 2),
            ("registry", "registry", Category::Concept, 2),
            ("docker", "Docker", Category::Tool, 2),
        ];
        let concepts: Vec<_> =
            concepts.map(|(key, name, category, documents)| Concept { key, name, category, documents }).into();
        let cluster = Cluster {
            id: example::cluster(),
            name: example::CLUSTER_NAME,
            documents: 7,
            recent: 6,
            beginner: 5,
            advanced: 0,
            concepts: concepts.clone(),
        };
        let names = HashMap::from([(cluster.id, cluster.name)]);
        let (found, missing) = suggest(&Bank { documents: 12, concepts, clusters: vec![cluster] }, 1);
        let suggestions = found.into_iter().map(|found| view(found, &names, vec![Starter::example()])).collect();
        Self { suggestions, missing }
    }
}
