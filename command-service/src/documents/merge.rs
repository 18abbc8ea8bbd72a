//! Merging one document into another. Two commands on two streams: the one absorbs what the other has, then the other goes
//! into the trash and says where it went. The ids of both follow from the key and both documents, so a retry completes what
//! a crash has cut: it finds the first done, and does the second. Nothing is lost in between, as the other is merged only
//! if it is still as it was when it was read; if not, what is new is absorbed as well.
//!
//! Two documents that are merged into each other at the same moment can both end in the trash, from which either can be
//! restored: no condition reaches over two streams.

use super::Documents;
use super::answer::{Edited, etag, not_found, problem, trashed};
use crate::answer::Accepted;
use crate::decider::{Error, Order, Outcome};
use crate::order::{Asked, IfMatch, Key};
use crate::section::Section;
use domain::document::{Command, Details, Document};
use events::{CommandId, DocumentId, Stream};
use poem::Request;
use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use runtime::event_log;
use runtime::http::{Authorized, JsonBody, Limited, Problem, Refused, Statuses, example};
use serde::Deserialize;
use std::sync::Arc;
use uuid::Uuid;

/// How often a document that others keep changing is absorbed anew.
const ROUNDS: usize = 5;

/// The route of merging documents.
pub(crate) struct Api {
    pub(crate) documents: Arc<Documents>,
}

/// Which document becomes part of another.
#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(example)]
pub(crate) struct MergeBody {
    /// The document to be merged; it goes into the trash.
    from: Uuid,
}

impl Limited for MergeBody {}

impl Example for MergeBody {
    fn example() -> Self {
        Self { from: example::OTHER_DOCUMENT }
    }
}

/// How merging can fail.
pub(crate) struct MergeStatuses;

impl Statuses for MergeStatuses {
    const ALL: &'static [(u16, &'static str)] = &[
        (400, "Malformed request."),
        (401, "`unauthorized`: no valid access token."),
        (404, "`document_not_found`: the caller has no such document, of either."),
        (408, "The body did not arrive in time."),
        (409, "`document_trashed`: one of them is in the trash; `conflict`: others kept changing them."),
        (412, "`stale_if_match`: the document has changed since."),
        (413, "`body_too_large`."),
        (415, "The body is not JSON."),
        (422, "`merge_into_itself`, `idempotency_key_reused`, or a body of another shape."),
        (503, "A needed part is away; retry, and the merge is completed."),
    ];
}

/// The two documents of a merge, and what names its commands.
struct Merge<'a> {
    asked: &'a Asked,
    into: DocumentId,
    from: DocumentId,
}

#[OpenApi(tag = "Section::Documents")]
impl Api {
    /// Merge another document into one
    ///
    /// It takes over the other's tags, links and added concepts, as far as its limits allow; the other goes into the trash
    /// and keeps its history. If the other is restored, this one keeps what it took. A retry completes a merge that was
    /// cut, also without an `Idempotency-Key`.
    #[oai(path = "/v1/documents/:id/merge", method = "post", operation_id = "merge_document")]
    async fn merge(
        &self,
        request: &Request,
        caller: Authorized,
        /// The document that takes over.
        id: Path<Uuid>,
        body: JsonBody<MergeBody>,
        /// Names this merge: a retry soon after with the same key and body gets the first answer.
        #[oai(name = "Idempotency-Key")]
        key: Key,
        /// Entity tag that the document which takes over must still have.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
    ) -> Result<Edited, Refused<MergeStatuses>> {
        let asked = Asked::of(request, caller, key)?.only_if(if_match)?;
        let merge = Merge { asked: &asked, into: DocumentId(id.0), from: DocumentId(body.0.from) };
        if merge.into == merge.from {
            return Err(problem(Error::Refused(domain::document::Error::MergeIntoItself)).into());
        }
        for round in 0..ROUNDS {
            if let Some(answer) = self.round(&merge, round == 0).await? {
                return Ok(answer);
            }
        }
        Err(Problem::from(event_log::Error::Conflict).into())
    }
}

impl Api {
    /// Absorbs, then merges; nothing if the other has changed in between.
    async fn round(&self, merge: &Merge<'_>, is_first: bool) -> Result<Option<Edited>, Problem> {
        let tip = self.documents.decider.tip(merge.stream(merge.from)).await?;
        let (key, merging) = (merge.key(tip.sequence), merge.merging(tip.sequence));
        let details = match &tip.state {
            Document::Absent => return Err(not_found().detail(format!("{} is none", merge.from))),
            _ if tip.memory.find(merging.id).is_some() => return self.done_before(merge, merging).await.map(Some),
            Document::Trashed { merged_into: Some(into), .. } if *into == merge.into => {
                return self.done_before(merge, merging).await.map(Some);
            }
            Document::Trashed { .. } => return Err(trashed().detail(format!("restore {} first", merge.from))),
            Document::Live(details) => details,
        };
        let mut order = merge.absorption(&key, details, &self.documents);
        if !is_first {
            // What the client has seen is not there any more: the last round has changed it.
            order.allowed = None;
        }
        let absorbed = self.absorb(merge, order, &format!("{key} at {}", tip.sequence), details).await?;
        match self.documents.decider.execute(Order { allowed: Some(vec![tip.sequence]), ..merging }).await {
            Ok(merged) => {
                let outcome = Outcome {
                    sequence: merged.sequence.max(absorbed.sequence),
                    is_changed: absorbed.is_changed || merged.is_changed,
                    is_replayed: merged.is_replayed,
                };
                Ok(Some(merge.answer(&outcome, absorbed.sequence)))
            }
            Err(Error::Stale { .. }) => Ok(None),
            Err(error) => Err(problem(error)),
        }
    }

    /// Lets the one take over what the other has. If it did so before, and the other is still not merged, the other may
    /// have got more since: that is a command of its own.
    async fn absorb(
        &self,
        merge: &Merge<'_>,
        order: Order<Command>,
        more: &str,
        from: &Details,
    ) -> Result<Outcome, Problem> {
        let absorbed = self.documents.decider.execute(order).await.map_err(problem)?;
        if !absorbed.is_replayed {
            return Ok(absorbed);
        }
        let order = Order { allowed: None, ..merge.absorption(more, from, &self.documents) };
        self.documents.decider.execute(order).await.map_err(problem)
    }

    /// The answer to a merge that was done: nothing is absorbed again, as users may have changed it since.
    async fn done_before(&self, merge: &Merge<'_>, merging: Order<Command>) -> Result<Edited, Problem> {
        let merged = self.documents.decider.execute(merging).await.map_err(problem)?;
        let into = self.documents.decider.tip(merge.stream(merge.into)).await?;
        Ok(merge.answer(&merged, into.sequence))
    }
}

impl Merge<'_> {
    fn stream(&self, document: DocumentId) -> Stream {
        self.asked.document(document.0)
    }

    /// The client's key; else one that is the same until the other document changes, so that a retry is known as one, and
    /// a merge after the other was restored is not.
    fn key(&self, read_at: u64) -> String {
        self.asked.key.clone().unwrap_or_else(|| format!("merge {} at {read_at}", self.from))
    }

    fn absorption(&self, key: &str, from: &Details, documents: &Documents) -> Order<Command> {
        let stream = self.stream(self.into);
        let command = Command::Absorb {
            this: self.into,
            document: self.from,
            tags: from.tags.clone(),
            concepts: from.concepts.values().cloned().collect(),
            links: from.links.clone(),
            limits: documents.limits,
        };
        let id = CommandId::of_key(self.asked.caller.account, &stream, key);
        Order { id, ..self.asked.order(stream, command) }
    }

    /// The other document's own command. Its key has spaces, which no client's has: it never stands for another command.
    fn merging(&self, read_at: u64) -> Order<Command> {
        let stream = self.stream(self.from);
        let key = format!("{} into {}", self.key(read_at), self.into);
        let id = CommandId::of_key(self.asked.caller.account, &stream, &key);
        let command = Command::MergeInto { this: self.from, into: self.into };
        Order { id, allowed: None, ..self.asked.order(stream, command) }
    }

    fn answer(&self, outcome: &Outcome, into: u64) -> Edited {
        Edited::Document(Accepted::of(self.into.0, outcome), etag(into), outcome.is_replayed)
    }
}
