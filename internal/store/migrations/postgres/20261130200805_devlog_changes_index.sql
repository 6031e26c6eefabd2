-- +goose NO TRANSACTION
-- +goose Up
SET lock_timeout = 0;
DROP INDEX CONCURRENTLY IF EXISTS "devlog_child_user_id_change_seq_id";
CREATE INDEX CONCURRENTLY "devlog_child_user_id_change_seq_id" ON "devlogs" ("child_user_id", "change_seq", "id");
RESET lock_timeout;
