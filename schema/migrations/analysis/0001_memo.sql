-- What analyses have found, so that a replay with the same analysis does not repeat it. Nothing here is a fact: rows may
-- be deleted at any time.
create table memo (
    -- SHA-256 over the analysis' version and everything that it looked at.
    key     bytea       primary key,
    version integer     not null,
    -- JSON.
    result  bytea       not null,
    made_at timestamptz not null default now()
);
