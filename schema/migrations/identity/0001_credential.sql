-- What no log may hold: password hashes. A row counts only once an account's event names it.
create table credential (
    credential_id uuid primary key,
    account_id    uuid        not null,
    password_hash text        not null,
    created_at    timestamptz not null default now()
);
