-- Run once, when the database is made: the services' role owns its database and nothing else.
\set password `cat /run/secrets/database_password`
create role syncboard login password :'password';
create database syncboard owner syncboard encoding 'UTF8' locale 'C.UTF-8' template template0;
revoke all on database syncboard from public;
