-- In which cluster a document stood from an event of the log on: one row for each time that this changed, the first for its
-- upload. What happened to clusters as wholes is told in `cluster_history`, and not for each of their documents.
create table cluster_membership (
    workspace_id uuid        not null,
    document_id  uuid        not null,
    sequence     bigint      not null,
    at           timestamptz not null,
    -- Before clusters were merged or dissolved; null in the trash, or when it stood in none.
    cluster_id   uuid,
    -- Whether a user put it there.
    is_pinned    boolean     not null,
    primary key (workspace_id, document_id, sequence)
);

-- What a cluster was from an event of the log on: one row for each time that its name or its end changed.
create table cluster_history (
    workspace_id uuid        not null,
    cluster_id   uuid        not null,
    sequence     bigint      not null,
    at           timestamptz not null,
    -- The name that held.
    name         text        not null,
    merged_into  uuid,
    is_dissolved boolean     not null,
    primary key (workspace_id, cluster_id, sequence)
);

-- Tables that were filled before know the present only. It begins at the last event that they show of each workspace; what
-- was before that, a rebuild knows.
insert into cluster_membership (workspace_id, document_id, sequence, at, cluster_id, is_pinned)
select k.workspace_id, k.document_id, c.sequence, now(),
       case when not k.is_trashed then coalesce(k.pinned_cluster, k.found_cluster) end,
       not k.is_trashed and k.pinned_cluster is not null
from document_knowledge k join clustering c using (workspace_id);

insert into cluster_history (workspace_id, cluster_id, sequence, at, name, merged_into, is_dissolved)
select k.workspace_id, k.cluster_id, c.sequence, now(), k.name, k.merged_into, k.is_dissolved
from cluster k join clustering c using (workspace_id);
