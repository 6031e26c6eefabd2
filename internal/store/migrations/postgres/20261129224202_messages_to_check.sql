-- +goose NO TRANSACTION
-- +goose Up
SET lock_timeout = 0;
DROP INDEX CONCURRENTLY IF EXISTS "message_check_at";
CREATE INDEX CONCURRENTLY "message_check_at" ON "messages" ("check_at") WHERE (check_at IS NOT NULL);
RESET lock_timeout;
