-- How far the assistant has read the log. Losing it costs questions that were asked before, and no answer.
create table assistant (
    assistant text   primary key,
    sequence  bigint not null
);
insert into assistant (assistant, sequence) values ('documents', 0);
