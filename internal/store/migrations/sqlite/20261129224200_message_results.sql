-- +goose Up
-- disable the enforcement of foreign-keys constraints
PRAGMA foreign_keys = off;
-- add column "push_token_set_at" to table: "users"
ALTER TABLE `users` ADD COLUMN `push_token_set_at` datetime NULL;
-- create "new_messages" table
CREATE TABLE `new_messages` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `channel` text NOT NULL, `purpose` text NULL, `recipient` text NOT NULL, `title` text NULL, `text` text NOT NULL, `html` text NULL, `dedup_key` text NULL, `is_deleted_once_sent` bool NOT NULL DEFAULT (false), `state` text NOT NULL DEFAULT ('pending'), `attempts` integer NOT NULL DEFAULT (0), `due_at` datetime NOT NULL, `expires_at` datetime NULL, `leased_until` datetime NULL, `last_error` text NULL, `created_at` datetime NOT NULL, `sent_at` datetime NULL, `provider` text NULL, `provider_id` text NULL, `check_at` datetime NULL, `checks` integer NOT NULL DEFAULT (0), `delivered_at` datetime NULL, `root_user_id` integer NULL, CONSTRAINT `messages_users_messages` FOREIGN KEY (`root_user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- copy rows from old table "messages" to new temporary table "new_messages"
INSERT INTO `new_messages` (`id`, `channel`, `purpose`, `recipient`, `text`, `dedup_key`, `is_deleted_once_sent`, `state`, `attempts`, `due_at`, `expires_at`, `leased_until`, `last_error`, `created_at`, `sent_at`, `root_user_id`) SELECT `id`, `channel`, `purpose`, `recipient`, `text`, `dedup_key`, `is_deleted_once_sent`, `state`, `attempts`, `due_at`, `expires_at`, `leased_until`, `last_error`, `created_at`, `sent_at`, `root_user_id` FROM `messages`;
-- drop "messages" table after copying rows
DROP TABLE `messages`;
-- rename temporary table "new_messages" to "messages"
ALTER TABLE `new_messages` RENAME TO `messages`;
-- create index "message_dedup_key" to table: "messages"
CREATE UNIQUE INDEX `message_dedup_key` ON `messages` (`dedup_key`);
-- create index "message_state_due_at" to table: "messages"
CREATE INDEX `message_state_due_at` ON `messages` (`state`, `due_at`);
-- create index "message_root_user_id_id" to table: "messages"
CREATE INDEX `message_root_user_id_id` ON `messages` (`root_user_id`, `id`);
-- create index "message_root_user_id" to table: "messages"
CREATE INDEX `message_root_user_id` ON `messages` (`root_user_id`);
-- create index "message_check_at" to table: "messages"
CREATE INDEX `message_check_at` ON `messages` (`check_at`) WHERE check_at IS NOT NULL;
-- create index "message_recipient" to table: "messages"
CREATE INDEX `message_recipient` ON `messages` (`recipient`);
-- create "installations" table
CREATE TABLE `installations` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `digest` text NOT NULL, `created_at` datetime NOT NULL, `used_at` datetime NOT NULL, `root_user_id` integer NOT NULL, CONSTRAINT `installations_users_installations` FOREIGN KEY (`root_user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- create index "installation_root_user_id_digest" to table: "installations"
CREATE UNIQUE INDEX `installation_root_user_id_digest` ON `installations` (`root_user_id`, `digest`);
-- create index "installation_used_at" to table: "installations"
CREATE INDEX `installation_used_at` ON `installations` (`used_at`);
-- create "message_quota" table
CREATE TABLE `message_quota` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `subject` text NOT NULL, `day` text NOT NULL, `sent` integer NOT NULL DEFAULT (0));
-- create index "messagequota_subject_day" to table: "message_quota"
CREATE UNIQUE INDEX `messagequota_subject_day` ON `message_quota` (`subject`, `day`);
-- create index "messagequota_day" to table: "message_quota"
CREATE INDEX `messagequota_day` ON `message_quota` (`day`);
-- enable back the enforcement of foreign-keys constraints
PRAGMA foreign_keys = on;
