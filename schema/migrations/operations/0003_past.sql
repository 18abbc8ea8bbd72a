-- Read models of the past, which `projector rebuild --as-of` makes. Their tables stand in schemas of their own, called
-- past_<name>_<projection>; outside every generation, as no rebuild touches them.
create table past_model (
    name        text        not null,
    projection  text        not null,
    -- The sequence or the time that was asked for.
    as_of       text        not null,
    -- The last sequence of the log that it shows: what was asked for is resolved once.
    sequence    bigint      not null,
    -- When that was appended; null where the log has nothing at the sequence.
    appended_at timestamptz,
    -- Version and digest of the program that fills it, its analysis, its migrations; null before it does.
    program     text,
    made_by     text        not null default session_user,
    begun_at    timestamptz not null default now(),
    -- Null while it is being filled.
    made_at     timestamptz,
    primary key (name, projection)
);
