-- +goose Up
-- disable the enforcement of foreign-keys constraints
PRAGMA foreign_keys = off;
-- create "new_sessions" table
CREATE TABLE `new_sessions` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `refresh_hash` text NOT NULL, `previous_hash` text NOT NULL DEFAULT (''), `rotation_salt` text NOT NULL DEFAULT (''), `rotation` integer NOT NULL DEFAULT (0), `is_rotation_used` bool NOT NULL DEFAULT (false), `created_at` datetime NOT NULL, `refreshed_at` datetime NOT NULL, `expires_at` datetime NOT NULL, `ended_at` datetime NULL, `root_user_id` integer NOT NULL, CONSTRAINT `sessions_users_sessions` FOREIGN KEY (`root_user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- copy rows from old table "sessions" to new temporary table "new_sessions"
INSERT INTO `new_sessions` (`id`, `refresh_hash`, `created_at`, `refreshed_at`, `expires_at`, `ended_at`, `root_user_id`) SELECT `id`, `refresh_hash`, `created_at`, `refreshed_at`, `expires_at`, `ended_at`, `root_user_id` FROM `sessions`;
-- drop "sessions" table after copying rows
DROP TABLE `sessions`;
-- rename temporary table "new_sessions" to "sessions"
ALTER TABLE `new_sessions` RENAME TO `sessions`;
-- create index "session_root_user_id" to table: "sessions"
CREATE INDEX `session_root_user_id` ON `sessions` (`root_user_id`);
-- create index "session_expires_at" to table: "sessions"
CREATE INDEX `session_expires_at` ON `sessions` (`expires_at`);
-- enable back the enforcement of foreign-keys constraints
PRAGMA foreign_keys = on;
