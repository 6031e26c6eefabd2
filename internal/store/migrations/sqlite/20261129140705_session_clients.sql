-- +goose Up
-- drop index "session_root_user_id" from table: "sessions"
DROP INDEX `session_root_user_id`;
-- add columns "last_used_at", "client_name" and "client_version" to table: "sessions"
ALTER TABLE `sessions` ADD COLUMN `last_used_at` datetime NULL;
ALTER TABLE `sessions` ADD COLUMN `client_name` text NULL;
ALTER TABLE `sessions` ADD COLUMN `client_version` text NULL;
-- create index "session_root_user_id" to table: "sessions"
CREATE INDEX `session_root_user_id` ON `sessions` (`root_user_id`) WHERE ended_at IS NULL;
