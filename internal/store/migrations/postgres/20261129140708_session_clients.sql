-- +goose Up
-- drop index "session_root_user_id" from table: "sessions"
DROP INDEX "session_root_user_id";
-- modify "sessions" table
ALTER TABLE "sessions" ADD COLUMN "last_used_at" timestamptz NULL, ADD COLUMN "client_name" character varying NULL, ADD COLUMN "client_version" character varying NULL;
-- create index "session_root_user_id" to table: "sessions"
CREATE INDEX "session_root_user_id" ON "sessions" ("root_user_id") WHERE (ended_at IS NULL);
