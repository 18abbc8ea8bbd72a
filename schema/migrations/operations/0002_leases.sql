-- Who works on what. Nothing here is needed to rebuild anything.

-- A projector that is able to work on a projection, and says so again and again.
create table member (
    id          uuid        not null,
    projection  text        not null,
    -- Where it runs, for people.
    name        text        not null,
    since       timestamptz not null default clock_timestamp(),
    -- Afterwards others may take what it holds.
    alive_until timestamptz not null,
    primary key (projection, id)
);

-- Which of them works on a shard; whoever is not written here can commit nothing of it.
create table lease (
    projection text        not null,
    shard      smallint    not null,
    owner      uuid,
    taken_at   timestamptz,
    primary key (projection, shard)
);
insert into lease (projection, shard)
select projection, shard
from unnest(array['documents', 'knowledge']) as projection cross join generate_series(0, 15) as s (shard);
