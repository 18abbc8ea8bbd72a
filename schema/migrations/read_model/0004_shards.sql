-- A projection's work is divided by the log's partitions; each shard has a checkpoint of its own.
alter table checkpoint add column shard smallint not null default 0;
alter table checkpoint drop constraint checkpoint_pkey;
insert into checkpoint (projection, shard, sequence)
select c.projection, s.shard, c.sequence from checkpoint c cross join generate_series(1, 15) as s (shard);
alter table checkpoint alter column shard drop default;
alter table checkpoint add primary key (projection, shard);
