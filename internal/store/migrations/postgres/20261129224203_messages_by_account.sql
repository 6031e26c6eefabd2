-- +goose NO TRANSACTION
-- +goose Up
SET lock_timeout = 0;
DROP INDEX CONCURRENTLY IF EXISTS "message_root_user_id_id";
CREATE INDEX CONCURRENTLY "message_root_user_id_id" ON "messages" ("root_user_id", "id");
RESET lock_timeout;
