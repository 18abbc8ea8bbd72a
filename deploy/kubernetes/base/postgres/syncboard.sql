-- Run once, when the database is made: the services' role owns its database and nothing else. Another role may come to act as
-- it; connections of a projector that fell silent are ended whoever logged in.
\getenv password SYNCBOARD_ROLE_PASSWORD
create role syncboard login password :'password';
create database syncboard owner syncboard encoding 'UTF8' locale 'C.UTF-8' template template0;
revoke all on database syncboard from public;
grant pg_signal_backend to syncboard;
