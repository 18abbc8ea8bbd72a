//! Slow statements: sqlx says in the log what was slow; this counts it.

use crate::metrics::SLOW_STATEMENTS;
use metrics::counter;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Context;

/// Counts them, whether or not the log's filter shows them.
pub(crate) fn layer<S>() -> impl Layer<S>
where
    S: Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
{
    Counting.with_filter(filter_fn(is_slow_statement).with_max_level_hint(Level::WARN))
}

struct Counting;

impl<S: Subscriber> Layer<S> for Counting {
    fn on_event(&self, _event: &Event<'_>, _context: Context<'_, S>) {
        counter!(SLOW_STATEMENTS).increment(1);
    }
}

/// Of its statements sqlx warns for no other reason.
fn is_slow_statement(metadata: &Metadata<'_>) -> bool {
    !metadata.is_span() && metadata.target() == "sqlx::query" && *metadata.level() == Level::WARN
}
