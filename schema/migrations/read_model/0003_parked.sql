-- Events that could not be applied, and the later ones of their streams, which wait behind them.
create table parked_event (
    sequence     bigint primary key,
    -- The stream: null for one of no workspace.
    workspace_id uuid,
    aggregate    text   not null,
    stream_id    uuid   not null,
    -- Why it could not be applied; null while it waits.
    error        text
);
create index parked_event_by_stream on parked_event (workspace_id, aggregate, stream_id, sequence);
