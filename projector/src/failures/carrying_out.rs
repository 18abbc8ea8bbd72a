//! Carrying out what operators decided about parked events: one decision at a time, by whoever works on the event's shard,
//! so that everything else goes on between two.

use super::decisions::{self, Decision};
use crate::error::Error;
use crate::session::Session;
use events::Stream;
use runtime::service::chain;

/// Carries out the oldest decision about the session's shards; says whether there was one.
pub(crate) async fn next(session: &mut Session<'_>) -> Result<bool, Error> {
    let (pool, projection) = (&session.worker.pool, session.worker.projection);
    for decision in decisions::open(pool, projection).await? {
        let Some(stream) = decision.held_up else {
            // The log knows whose business an event is that is not parked.
            let recorded = session.worker.log.at(decision.sequence).await?;
            if session.holds(recorded.map_or(0, |recorded| recorded.stream.partition())) {
                let outcome = match decision.took_hold {
                    true => "applied",
                    false => "nothing to do: it is not parked, or waits for another",
                };
                decisions::done(pool, decision.id, outcome).await?;
                return Ok(true);
            }
            continue;
        };
        if session.holds(stream.partition()) {
            carry_out(session, &decision, stream).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

async fn carry_out(session: &mut Session<'_>, decision: &Decision, stream: Stream) -> Result<(), Error> {
    let pool = &session.worker.pool;
    match try_again(session, decision, stream).await {
        Ok(outcome) => {
            decisions::done(pool, decision.id, &outcome).await?;
            session.count_parked().await?;
            tracing::info!(sequence = decision.sequence, decision.is_skip, outcome, "a decision was carried out");
            Ok(())
        }
        Err(error @ Error::Displaced) => Err(error),
        Err(error) => {
            // Whoever decided hears of it, and may decide again; it does not come up by itself for ever.
            decisions::done(pool, decision.id, &format!("not carried out: {}", chain(&error))).await?;
            Err(error)
        }
    }
}

/// Applies what a stream has parked once more; says what came of it.
async fn try_again(session: &mut Session<'_>, decision: &Decision, stream: Stream) -> Result<String, Error> {
    let worker = session.worker;
    if decision.is_skip {
        session.applier.parking().skip(decision.sequence);
    }
    let mut applied = 0;
    loop {
        let parked = decisions::parked(&worker.pool, &worker.log, &stream).await?;
        let tried = parked.len();
        if tried == 0 {
            return Ok(format!("applied: {applied} events"));
        }
        let mut pending = session.applier.write_parked(stream, parked).await?;
        decisions::takes_hold(&mut **pending.transaction(), decision.id).await?;
        let waiting = pending.parked.len();
        applied += tried - waiting;
        session.finish(pending, session.seen()).await?;
        if waiting > 0 {
            return Ok(format!("{applied} events applied, {waiting} still wait"));
        }
    }
}
