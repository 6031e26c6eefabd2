-- +goose Up
-- disable the enforcement of foreign-keys constraints
PRAGMA foreign_keys = off;
-- create "new_messages" table
CREATE TABLE `new_messages` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `channel` text NOT NULL, `recipient` text NOT NULL, `text` text NOT NULL, `dedup_key` text NULL, `is_deleted_once_sent` bool NOT NULL DEFAULT (false), `state` text NOT NULL DEFAULT ('pending'), `attempts` integer NOT NULL DEFAULT (0), `due_at` datetime NOT NULL, `leased_until` datetime NULL, `last_error` text NULL, `created_at` datetime NOT NULL, `sent_at` datetime NULL, `root_user_id` integer NULL, CONSTRAINT `messages_users_messages` FOREIGN KEY (`root_user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- copy rows from old table "messages" to new temporary table "new_messages"
INSERT INTO `new_messages` (`id`, `channel`, `recipient`, `text`, `dedup_key`, `state`, `attempts`, `due_at`, `leased_until`, `last_error`, `created_at`, `sent_at`, `root_user_id`) SELECT `id`, `channel`, `recipient`, `text`, `dedup_key`, `state`, `attempts`, `due_at`, `leased_until`, `last_error`, `created_at`, `sent_at`, `root_user_id` FROM `messages`;
-- drop "messages" table after copying rows
DROP TABLE `messages`;
-- rename temporary table "new_messages" to "messages"
ALTER TABLE `new_messages` RENAME TO `messages`;
-- create index "message_dedup_key" to table: "messages"
CREATE UNIQUE INDEX `message_dedup_key` ON `messages` (`dedup_key`);
-- create index "message_state_due_at" to table: "messages"
CREATE INDEX `message_state_due_at` ON `messages` (`state`, `due_at`);
-- create index "message_root_user_id" to table: "messages"
CREATE INDEX `message_root_user_id` ON `messages` (`root_user_id`);
-- create index "message_recipient" to table: "messages"
CREATE INDEX `message_recipient` ON `messages` (`recipient`);
-- create "new_verification_codes" table
CREATE TABLE `new_verification_codes` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `purpose` text NOT NULL, `sms_purpose` text NULL, `is_email_verified` bool NOT NULL DEFAULT (false), `address` text NOT NULL, `code_hash` text NOT NULL, `tries` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `expires_at` datetime NOT NULL, `closed_at` datetime NULL, `grant_hash` text NULL, `grant_expires_at` datetime NULL, `grant_used_at` datetime NULL, `root_user_id` integer NULL, CONSTRAINT `verification_codes_users_verification_codes` FOREIGN KEY (`root_user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- copy rows from old table "verification_codes" to new temporary table "new_verification_codes"
INSERT INTO `new_verification_codes` (`id`, `purpose`, `address`, `code_hash`, `tries`, `created_at`, `expires_at`, `closed_at`, `grant_hash`, `grant_expires_at`, `grant_used_at`, `root_user_id`) SELECT `id`, `purpose`, `address`, `code_hash`, `tries`, `created_at`, `expires_at`, `closed_at`, `grant_hash`, `grant_expires_at`, `grant_used_at`, `root_user_id` FROM `verification_codes`;
-- drop "verification_codes" table after copying rows
DROP TABLE `verification_codes`;
-- rename temporary table "new_verification_codes" to "verification_codes"
ALTER TABLE `new_verification_codes` RENAME TO `verification_codes`;
-- create index "verificationcode_purpose_address_created_at" to table: "verification_codes"
CREATE INDEX `verificationcode_purpose_address_created_at` ON `verification_codes` (`purpose`, `address`, `created_at`);
-- create index "verificationcode_grant_hash" to table: "verification_codes"
CREATE UNIQUE INDEX `verificationcode_grant_hash` ON `verification_codes` (`grant_hash`);
-- create index "verificationcode_root_user_id_purpose" to table: "verification_codes"
CREATE INDEX `verificationcode_root_user_id_purpose` ON `verification_codes` (`root_user_id`, `purpose`);
-- create index "verificationcode_created_at" to table: "verification_codes"
CREATE INDEX `verificationcode_created_at` ON `verification_codes` (`created_at`);
-- enable back the enforcement of foreign-keys constraints
PRAGMA foreign_keys = on;
