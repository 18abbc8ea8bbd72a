-- The read models of documents. Names are unqualified: a generation is one schema, and the search path chooses it.

-- How far the log has been applied; moved in the transaction that applies it.
create table checkpoint (
    projection text   primary key,
    sequence   bigint not null
);
insert into checkpoint (projection, sequence) values ('documents', 0);

create table document (
    workspace_id  uuid        not null,
    document_id   uuid        not null,
    owner_id      uuid        not null,
    title         text        not null,
    media_type    text        not null,
    sha256        text        not null,
    bytes         bigint      not null,
    source_kind   text        not null,
    source_name   text,
    source_url    text,
    source_author text,
    skill_level   text        not null,
    tags          text[]      not null,
    is_trashed    boolean     not null,
    revision      integer     not null,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    sequence      bigint      not null,
    primary key (workspace_id, document_id)
) with (fillfactor = 80);

create index document_by_update on document (workspace_id, updated_at, document_id);
create index document_by_creation on document (workspace_id, created_at, document_id);
create index document_by_title on document (workspace_id, lower(title) collate "C", document_id);
create index document_by_tag on document using gin (tags);

-- The text of each document as it is now; absent where it stands in the blob store. Apart, so that an edit of the
-- title does not write the text again.
create table document_content (
    workspace_id uuid not null,
    document_id  uuid not null,
    text         text not null,
    primary key (workspace_id, document_id)
);

-- Who changed what when: one row for each event.
create table document_history (
    workspace_id uuid        not null,
    document_id  uuid        not null,
    sequence     bigint      not null,
    kind         text        not null,
    at           timestamptz not null,
    actor_id     uuid        not null,
    detail       json        not null,
    primary key (workspace_id, document_id, sequence)
);

create table workspace_statistics (
    workspace_id uuid   primary key,
    documents    bigint not null,
    trashed      bigint not null,
    bytes        bigint not null,
    events       bigint not null,
    sequence     bigint not null,
    updated_at   timestamptz not null
);

-- How many documents of a workspace that are not in the trash have a value of a facet: a tag, a source.
create table workspace_facet (
    workspace_id uuid   not null,
    facet        text   not null,
    value        text   not null,
    documents    bigint not null,
    primary key (workspace_id, facet, value)
);
