-- What operators decided about events that could not be applied. Outside every generation, as a rebuild must leave out
-- again what was skipped; nothing here is ever changed but what came of a decision.
create table failure_decision (
    id         bigint      generated always as identity primary key,
    projection text        not null,
    -- The event that could not be applied.
    sequence   bigint      not null,
    -- retry, or skip.
    action     text        not null,
    reason     text        not null,
    decided_by text        not null default session_user,
    decided_at timestamptz not null default now(),
    -- What came of it; null until a projector has done it.
    outcome    text,
    done_at    timestamptz,
    -- Whether it was about an event that was parked when it was carried out: only such a skip leaves an event out.
    took_hold  boolean     not null default false
);
create index failure_decision_open on failure_decision (projection, id) where done_at is null;
create index failure_decision_by_event on failure_decision (projection, sequence);
