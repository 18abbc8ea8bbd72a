//! Decisions on the knowledge in a document: its concepts, its links, what it absorbs, what a language model says of it.

use super::{Details, Error, Limits, Name, Tag, value};
use crate::aggregate::digest;
use events::document::{Absorbed, Assessed, ConceptAdded, ConceptRemoved, Event, Link, Linked};
use events::{Category, DocumentId, EventType};
use std::collections::BTreeSet;

impl Details {
    /// A concept that was removed comes back; one that is there already may get another category. It is an event also if
    /// the name is there: which names mean one concept, and what was last said of that, is not known here.
    pub(super) fn add_concept(
        &self,
        name: &Name,
        category: Option<Category>,
        at_most: usize,
    ) -> Result<Option<Event>, Error> {
        let there = self.concepts.get(&name.key());
        let before = there.and_then(|there| there.category);
        if there.is_none() && self.concepts.len() >= at_most {
            return Err(Error::TooManyConcepts { at_most });
        }
        let added = ConceptAdded { name: name.as_str().to_owned(), category: category.or(before) };
        Ok(self.unless_said_last(Event::ConceptAdded(added)))
    }

    /// Also a concept that nobody has added: an analysis may have found it, or may find it later. It is an event also if
    /// the name was removed before, as it is when it is added.
    pub(super) fn remove_concept(&self, name: &Name, at_most: usize) -> Result<Option<Event>, Error> {
        if !self.removed.contains(&name.key()) && self.removed.len() >= at_most {
            return Err(Error::TooManyConcepts { at_most });
        }
        Ok(self.unless_said_last(Event::ConceptRemoved(ConceptRemoved { name: name.as_str().to_owned() })))
    }

    /// Nothing if the same was the last that anybody has said of the document's concepts: then it still holds.
    fn unless_said_last(&self, event: Event) -> Option<Event> {
        (self.said_last.as_ref() != Some(&Self::said(&event))).then_some(event)
    }

    /// What tells one word about a concept from another: its kind, as adding and removing have the same body, and its digest.
    pub(super) fn said(event: &Event) -> String {
        format!("{} {}", event.kind(), digest(event))
    }

    pub(super) fn link(&self, this: DocumentId, link: Link, at_most: usize) -> Result<Option<Event>, Error> {
        if link.to == this {
            Err(Error::LinkToItself)
        } else if self.links.contains(&link) {
            Ok(None)
        } else if self.links.len() >= at_most {
            Err(Error::TooManyLinks { at_most })
        } else {
            Ok(Some(Event::Linked(Linked { link })))
        }
    }

    /// Takes over what is new, as far as the limits allow. What a user has said of this document goes first: a concept
    /// that was removed from it stays removed.
    pub(super) fn absorb(
        &self,
        this: DocumentId,
        document: DocumentId,
        tags: &BTreeSet<Tag>,
        concepts: Vec<ConceptAdded>,
        links: &BTreeSet<Link>,
        limits: &Limits,
    ) -> Result<Option<Event>, Error> {
        if this == document {
            return Err(Error::MergeIntoItself);
        }
        let room = |at_most: usize, taken: usize| at_most.saturating_sub(taken);
        let is_said = |name: &str| {
            let key = value::fold(name);
            self.concepts.contains_key(&key) || self.removed.contains(&key)
        };
        let absorbed = Absorbed {
            document,
            tags: tags
                .difference(&self.tags)
                .take(room(limits.tags, self.tags.len()))
                .map(|tag| tag.as_str().to_owned())
                .collect(),
            concepts: concepts
                .into_iter()
                .filter(|added| !is_said(&added.name))
                .take(room(limits.concepts, self.concepts.len()))
                .collect(),
            links: links
                .difference(&self.links)
                .filter(|link| link.to != this && link.to != document)
                .take(room(limits.links, self.links.len()))
                .copied()
                .collect(),
        };
        let has_news = !(absorbed.tags.is_empty() && absorbed.concepts.is_empty() && absorbed.links.is_empty());
        Ok((has_news || self.absorbed != Some(document)).then_some(Event::Absorbed(absorbed)))
    }

    /// Nothing if the model has read another text, or has said the same before.
    pub(super) fn assess(&self, mut assessed: Assessed) -> Option<Event> {
        if assessed.sha256 != self.sha256 {
            return None;
        }
        for proposed in &mut assessed.concepts {
            let confidence = proposed.confidence;
            // JSON could not hold what is no number.
            proposed.confidence = if confidence.is_nan() { 0.0 } else { confidence.clamp(0.0, 1.0) };
        }
        let event = Event::Assessed(assessed);
        (self.assessed.as_ref() != Some(&digest(&event))).then_some(event)
    }

    pub(super) fn put_concept(&mut self, added: &ConceptAdded) {
        let key = value::fold(&added.name);
        self.removed.remove(&key);
        self.concepts.insert(key, added.clone());
    }
}
