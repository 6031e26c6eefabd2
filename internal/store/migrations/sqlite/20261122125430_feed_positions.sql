-- +goose Up
-- disable the enforcement of foreign-keys constraints
PRAGMA foreign_keys = off;
-- create "new_users" table
CREATE TABLE `new_users` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `first_name` text NULL, `last_name` text NULL, `birthdate` text NULL, `gender` text NULL, `email` text NULL, `is_email_verified` bool NOT NULL DEFAULT (false), `phone` text NULL, `register_type` text NOT NULL, `national_code` text NULL, `password_hash` text NULL, `password_changed_at` datetime NULL, `wrong_passwords` integer NOT NULL DEFAULT (0), `blocked_until` datetime NULL, `credential_version` integer NOT NULL DEFAULT (1), `push_token` text NULL, `is_device_muted` bool NOT NULL DEFAULT (false), `is_device_alim_talk_enabled` bool NOT NULL DEFAULT (false), `is_basestation_alert_enabled` bool NOT NULL DEFAULT (false), `is_admin` bool NOT NULL DEFAULT (false), `notification_checked_at` datetime NULL, `event_seq` integer NOT NULL DEFAULT (0), `event_floor` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `deleted_at` datetime NULL);
-- copy rows from old table "users" to new temporary table "new_users"
INSERT INTO `new_users` (`id`, `first_name`, `last_name`, `birthdate`, `gender`, `email`, `is_email_verified`, `phone`, `register_type`, `national_code`, `password_hash`, `password_changed_at`, `wrong_passwords`, `blocked_until`, `credential_version`, `push_token`, `is_device_muted`, `is_device_alim_talk_enabled`, `is_basestation_alert_enabled`, `is_admin`, `notification_checked_at`, `event_seq`, `created_at`, `deleted_at`) SELECT `id`, `first_name`, `last_name`, `birthdate`, `gender`, `email`, `is_email_verified`, `phone`, `register_type`, `national_code`, `password_hash`, `password_changed_at`, `wrong_passwords`, `blocked_until`, `credential_version`, `push_token`, `is_device_muted`, `is_device_alim_talk_enabled`, `is_basestation_alert_enabled`, `is_admin`, `notification_checked_at`, `event_seq`, `created_at`, `deleted_at` FROM `users`;
-- drop "users" table after copying rows
DROP TABLE `users`;
-- rename temporary table "new_users" to "users"
ALTER TABLE `new_users` RENAME TO `users`;
-- create "feed_positions" table
CREATE TABLE `feed_positions` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `installation_id` text NOT NULL, `seq` integer NOT NULL, `has_gap` bool NOT NULL DEFAULT (false), `session_id` integer NULL, `updated_at` datetime NOT NULL, `child_user_id` integer NULL, `root_user_id` integer NOT NULL, CONSTRAINT `feed_positions_child_users_feed_positions` FOREIGN KEY (`child_user_id`) REFERENCES `child_users` (`id`) ON DELETE CASCADE, CONSTRAINT `feed_positions_users_feed_positions` FOREIGN KEY (`root_user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- create index "feedposition_root_user_id_installation_id" to table: "feed_positions"
CREATE UNIQUE INDEX `feedposition_root_user_id_installation_id` ON `feed_positions` (`root_user_id`, `installation_id`) WHERE child_user_id IS NULL;
-- create index "feedposition_root_user_id_installation_id_child_user_id" to table: "feed_positions"
CREATE UNIQUE INDEX `feedposition_root_user_id_installation_id_child_user_id` ON `feed_positions` (`root_user_id`, `installation_id`, `child_user_id`) WHERE child_user_id IS NOT NULL;
-- create index "feedposition_child_user_id" to table: "feed_positions"
CREATE INDEX `feedposition_child_user_id` ON `feed_positions` (`child_user_id`);
-- create index "feedposition_updated_at" to table: "feed_positions"
CREATE INDEX `feedposition_updated_at` ON `feed_positions` (`updated_at`);
-- enable back the enforcement of foreign-keys constraints
PRAGMA foreign_keys = on;
