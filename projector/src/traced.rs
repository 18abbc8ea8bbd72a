//! Spans of a batch: one for each of its events that belongs to a recorded trace, as long as the batch takes to be applied
//! and announced. A batch is one piece of work for thousands of events; each of their traces shows it once.

use crate::error::Error;
use crate::positioned::Read;
use crate::projection::Projection;
use events::TraceContext;
use runtime::traces;
use tracing::Span;

/// Most events of a batch that are traced: who records everything learns no more from the others.
const MOST: usize = 64;

/// Spans that end when this is dropped.
#[derive(Default)]
pub(crate) struct Traced(Vec<Span>);

impl Traced {
    /// Begins with the last events of a batch, which are the freshest.
    pub(crate) fn begin(projection: Projection, events: &[Read]) -> Self {
        if !traces::is_on() {
            return Self::default();
        }
        let recorded = events.iter().rev().filter_map(|read| Some((read.sequence(), sampled(read)?)));
        let spans = recorded.take(MOST);
        Self(spans.map(|(sequence, trace)| traces::apply(trace, projection.name(), sequence, events.len())).collect())
    }

    /// The span that stands for the batch where there can be but one: that of its last event.
    pub(crate) fn last(&self) -> Span {
        self.0.first().cloned().unwrap_or_else(Span::none)
    }

    /// The batch was not applied.
    pub(crate) fn failed(&self, error: &Error) {
        for span in &self.0 {
            traces::failed(span, error.kind());
        }
    }
}

fn sampled(read: &Read) -> Option<&TraceContext> {
    match read {
        Read::Event(positioned) => positioned.envelope.trace.as_ref().filter(|trace| trace.is_sampled()),
        Read::Unreadable { .. } => None,
    }
}
