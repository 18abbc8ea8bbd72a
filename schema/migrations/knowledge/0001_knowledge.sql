-- The read models of knowledge: concepts, clusters, duplicates, links. Names are unqualified: a generation is one schema,
-- and the search path chooses it. Everything but what `clustering` says of epochs is a function of the documents as they
-- are now and of what users decided; epochs happen where the log says.

-- How far the log has been applied; moved in the transaction that applies it.
create table checkpoint (
    projection text   primary key,
    sequence   bigint not null
);
insert into checkpoint (projection, sequence) values ('knowledge', 0);

-- Which analysis filled these tables.
create table analyzer (
    version integer primary key
);

create table document_knowledge (
    workspace_id   uuid        not null,
    document_id    uuid        not null,
    -- Sequence of its upload: the order of arrival.
    arrival        bigint      not null,
    -- Sequence of the event that has its text.
    content_sequence bigint    not null,
    -- Sequence of its last event.
    sequence       bigint      not null,
    created_at     timestamptz not null,
    title          text        not null,
    media_type     text        not null,
    file_name      text,
    source_kind    text        not null,
    sha256         text        not null,
    is_trashed     boolean     not null,
    merged_into    uuid,
    -- ISO 639-1, or und.
    language       text        not null,
    -- Programming language, if it is code.
    code           text,
    -- The level that holds: stated by a user, else by a model, else found.
    skill_level    text        not null,
    stated_level   text        not null,
    -- What a language model said of the present text: {model, summary, skill_level, concepts}.
    assessment     jsonb,
    -- What the analysis found: {skill_level, concepts: [{key, name, category, confidence, occurrences, places}], words}.
    analysis       jsonb       not null,
    vector         bytea       not null,
    sketch         bytea       not null,
    -- Keys of every concept found, proposed or added, before they are resolved; and short, long, short, long of the
    -- acronyms that the text explains.
    keys           text[]      not null,
    acronyms       text[]      not null,
    -- What users said: [{name, category, sequence}], and the keys that they removed with the sequence when.
    added          jsonb       not null,
    removed        jsonb       not null,
    -- The cluster that clustering found, in thousandths how near it is, and the one that a user chose.
    found_cluster  uuid,
    similarity     smallint    not null,
    pinned_cluster uuid,
    -- The cluster that holds, after pins, merges and dissolutions; null when trashed or unclustered.
    cluster_id     uuid,
    primary key (workspace_id, document_id)
) with (fillfactor = 80);
create index document_knowledge_by_cluster on document_knowledge (workspace_id, cluster_id, arrival);
create index document_knowledge_by_creation on document_knowledge (workspace_id, created_at) where not is_trashed;
create index document_knowledge_by_merge on document_knowledge (workspace_id, merged_into) where merged_into is not null;
create index document_knowledge_by_sha256 on document_knowledge (workspace_id, sha256);

-- The concepts that hold of documents in use: found, added and proposed, less what users removed, merged or suppressed.
create table document_concept (
    workspace_id uuid        not null,
    document_id  uuid        not null,
    concept      text        not null,
    -- 0 to 1.
    confidence   real        not null,
    -- How often it occurs in the text; 0 when only a user or a model said so.
    occurrences  integer     not null,
    -- Where, in characters: start, end, start, end; the first few.
    places       integer[]   not null,
    -- analysis, user or model.
    origin       text        not null,
    created_at   timestamptz not null,
    primary key (workspace_id, document_id, concept)
);
create index document_concept_by_concept on document_concept (workspace_id, concept, confidence desc, document_id);

-- Every concept that any document ever had, with the name that it got first and how many documents in use have it.
create table concept (
    workspace_id uuid        not null,
    concept      text        not null,
    name         text        not null,
    category     text        not null,
    documents    bigint      not null,
    first_at     timestamptz not null,
    primary key (workspace_id, concept)
) with (fillfactor = 70);
create index concept_by_documents on concept (workspace_id, documents desc, concept) where documents > 0;
create index concept_by_name on concept (workspace_id, lower(name) collate "C", concept) where documents > 0;

-- Which keys stand for another: spellings and acronyms found at an epoch, merges by users. Always to a concept that
-- stands for itself.
create table concept_alias (
    workspace_id uuid not null,
    variant      text not null,
    concept      text not null,
    -- spelling, acronym or user.
    reason       text not null,
    primary key (workspace_id, variant)
);

-- What users decided about concepts.
create table concept_decision (
    workspace_id  uuid    not null,
    concept       text    not null,
    name          text,
    merged_into   text,
    is_suppressed boolean not null,
    -- Whether a user said that it stands for itself.
    is_separate   boolean not null,
    primary key (workspace_id, concept)
);

create table cluster (
    workspace_id uuid        not null,
    cluster_id   uuid        not null,
    -- The name that holds: a user's, else a model's, else found.
    name         text        not null,
    found_name   text        not null,
    -- found, user or model.
    name_origin  text        not null,
    model_name   text,
    summary      text,
    -- The level that a user stated, or unknown.
    stated_level text        not null,
    -- Whether a user made it.
    is_made      boolean     not null,
    -- merged or dissolved clusters stay, without documents.
    merged_into  uuid,
    is_dissolved boolean     not null,
    documents    bigint      not null,
    -- How many of its documents clustering found, as no user put them there, and the sum of their similarities in
    -- thousandths; the one divided by the other is the cohesion.
    found_documents bigint   not null,
    similarity   bigint      not null,
    beginner     bigint      not null,
    intermediate bigint      not null,
    advanced     bigint      not null,
    created_at   timestamptz not null,
    primary key (workspace_id, cluster_id)
) with (fillfactor = 70);

-- How many documents of a cluster have a concept.
create table cluster_concept (
    workspace_id uuid   not null,
    cluster_id   uuid   not null,
    concept      text   not null,
    documents    bigint not null,
    primary key (workspace_id, cluster_id, concept)
) with (fillfactor = 70);
create index cluster_concept_by_documents on cluster_concept (workspace_id, cluster_id, documents desc, concept);

-- A workspace's clustering as it was found at its last epoch, and what has happened since.
create table clustering (
    workspace_id       uuid   primary key,
    -- Sequence of the workspace's last event: the entity tag of everything here.
    sequence           bigint not null,
    documents          bigint not null,
    epoch              bigint not null,
    epoch_sequence     bigint not null,
    documents_at_epoch bigint not null,
    changes_since      bigint not null,
    -- Which cluster each of the model's is.
    clusters           uuid[] not null,
    model              bytea  not null
);

-- Links between documents. One that would close a circle, or whose other end does not exist, does not count.
create table document_link (
    workspace_id uuid    not null,
    document_id  uuid    not null,
    relation     text    not null,
    to_id        uuid    not null,
    is_void      boolean not null,
    primary key (workspace_id, document_id, relation, to_id)
);
create index document_link_by_target on document_link (workspace_id, to_id);

-- Documents in use by the bands of their sketches: those that share one are compared.
create table near_band (
    workspace_id uuid   not null,
    band         bigint not null,
    arrival      bigint not null,
    document_id  uuid   not null,
    primary key (workspace_id, band, arrival)
);

-- For each document that is nearly the same as an earlier one: the earliest such.
create table near_duplicate (
    workspace_id uuid not null,
    document_id  uuid not null,
    of_id        uuid not null,
    -- Estimated share of common wording, 0 to 1.
    resemblance  real not null,
    primary key (workspace_id, document_id)
);
create index near_duplicate_by_original on near_duplicate (workspace_id, of_id);
