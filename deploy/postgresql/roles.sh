#!/bin/sh
# Makes the two roles, once, when the database is new: the owner migrates, the service serves.
set -eu
psql --set=ON_ERROR_STOP=1 --username=postgres --dbname=truethread \
    --set=owner_password="$(cat /run/secrets/owner_password)" \
    --set=app_password="$(cat /run/secrets/app_password)" <<'SQL'
CREATE ROLE truethread_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE truethread_app LOGIN PASSWORD :'app_password';
GRANT CREATE, USAGE ON SCHEMA public TO truethread_owner;
SQL
