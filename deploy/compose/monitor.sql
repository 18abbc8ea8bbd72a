-- Run at each start of monitoring.yaml: the exporter's role sees the server's numbers, and no row of any table.
\set password `cat /run/secrets/monitor_password`
select 'create role monitor' where not exists (select from pg_roles where rolname = 'monitor') \gexec
alter role monitor login connection limit 5 password :'password';
grant pg_monitor to monitor;
