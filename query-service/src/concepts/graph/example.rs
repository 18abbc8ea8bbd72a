//! An example of the graph, drawn as every other.

use super::{Concept, ConceptGraph, Document, draw};
use poem_openapi::types::Example;
use runtime::http::example;

impl Example for ConceptGraph {
    fn example() -> Self {
        let name = example::concept();
        let concepts = [("container", "container", "concept", 7), (example::CONCEPT_KEY, &name, "database", 2)];
        let concepts = concepts.map(|(concept, name, category, documents)| Concept {
            concept: concept.to_owned(),
            name: name.to_owned(),
            category: category.to_owned(),
            documents,
        });
        let document = |at| Document {
            cluster: (at < 7).then(example::cluster),
            concepts: match at {
                0 | 1 => vec![0, 1],
                2..7 => vec![0],
                _ => vec![],
            },
        };
        draw(&concepts, &(0..12).map(document).collect::<Vec<_>>(), 2, 1)
    }
}
