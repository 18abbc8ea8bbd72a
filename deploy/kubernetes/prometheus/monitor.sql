-- Run by the Job monitor-role: the exporter's role sees the server's numbers, and no row of any table.
\getenv password SYNCBOARD_MONITOR_PASSWORD
select 'create role monitor' where not exists (select from pg_roles where rolname = 'monitor') \gexec
alter role monitor login connection limit 5 password :'password';
grant pg_monitor to monitor;
