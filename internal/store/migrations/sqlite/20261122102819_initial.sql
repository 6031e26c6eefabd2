-- +goose Up
-- create "child_users" table
CREATE TABLE `child_users` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `first_name` text NOT NULL, `last_name` text NOT NULL, `birthdate` text NOT NULL, `gender` text NOT NULL, `created_at` datetime NOT NULL, `root_user_id` integer NOT NULL, CONSTRAINT `child_users_users_child_users` FOREIGN KEY (`root_user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- create index "childuser_root_user_id" to table: "child_users"
CREATE INDEX `childuser_root_user_id` ON `child_users` (`root_user_id`);
-- create "consents" table
CREATE TABLE `consents` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `is_push_agree` bool NOT NULL DEFAULT (false), `is_marketing_agree` bool NOT NULL DEFAULT (false), `push_agree_date` datetime NULL, `marketing_agree_date` datetime NULL, `created_at` datetime NOT NULL, `root_user_id` integer NOT NULL, CONSTRAINT `consents_users_consent` FOREIGN KEY (`root_user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- create index "consents_root_user_id_key" to table: "consents"
CREATE UNIQUE INDEX `consents_root_user_id_key` ON `consents` (`root_user_id`);
-- create "devices" table
CREATE TABLE `devices` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `serial_code` text NOT NULL, `mac_id` text NOT NULL, `project_id` integer NOT NULL, `hardware_id` integer NOT NULL, `now_firmware_id` integer NOT NULL, `firmware_version` text NOT NULL, `unique_id` text NULL, `device_alias` text NOT NULL DEFAULT (''), `last_child_user_id` integer NULL, `registration` integer NOT NULL DEFAULT (0), `last_log_file_id` integer NOT NULL DEFAULT (0), `registered_at` datetime NULL, `created_at` datetime NOT NULL, `child_user_id` integer NULL, `root_user_id` integer NULL, CONSTRAINT `devices_child_users_device` FOREIGN KEY (`child_user_id`) REFERENCES `child_users` (`id`) ON DELETE SET NULL, CONSTRAINT `devices_users_devices` FOREIGN KEY (`root_user_id`) REFERENCES `users` (`id`) ON DELETE SET NULL);
-- create index "devices_child_user_id_key" to table: "devices"
CREATE UNIQUE INDEX `devices_child_user_id_key` ON `devices` (`child_user_id`);
-- create index "device_serial_code" to table: "devices"
CREATE UNIQUE INDEX `device_serial_code` ON `devices` (`serial_code`);
-- create index "device_mac_id" to table: "devices"
CREATE UNIQUE INDEX `device_mac_id` ON `devices` (`mac_id`);
-- create index "device_unique_id" to table: "devices"
CREATE UNIQUE INDEX `device_unique_id` ON `devices` (`unique_id`);
-- create index "device_root_user_id" to table: "devices"
CREATE INDEX `device_root_user_id` ON `devices` (`root_user_id`);
-- create "devlogs" table
CREATE TABLE `devlogs` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `registration` integer NOT NULL, `status` text NOT NULL, `finish_flag` integer NULL, `treatment_date` text NOT NULL, `last_intensity` integer NOT NULL, `treatment_time` integer NOT NULL, `log_file_id` integer NULL, `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL, `child_user_id` integer NOT NULL, `device_id` integer NOT NULL, `root_user_id` integer NOT NULL, CONSTRAINT `devlogs_child_users_devlogs` FOREIGN KEY (`child_user_id`) REFERENCES `child_users` (`id`) ON DELETE CASCADE, CONSTRAINT `devlogs_devices_devlogs` FOREIGN KEY (`device_id`) REFERENCES `devices` (`id`) ON DELETE NO ACTION, CONSTRAINT `devlogs_users_devlogs` FOREIGN KEY (`root_user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- create index "devlog_child_user_id_device_id" to table: "devlogs"
CREATE UNIQUE INDEX `devlog_child_user_id_device_id` ON `devlogs` (`child_user_id`, `device_id`) WHERE status = 'TEMPORARY';
-- create index "devlog_device_id_registration_log_file_id" to table: "devlogs"
CREATE UNIQUE INDEX `devlog_device_id_registration_log_file_id` ON `devlogs` (`device_id`, `registration`, `log_file_id`);
-- create index "devlog_device_id_registration_treatment_date" to table: "devlogs"
CREATE INDEX `devlog_device_id_registration_treatment_date` ON `devlogs` (`device_id`, `registration`, `treatment_date`);
-- create index "devlog_child_user_id_id" to table: "devlogs"
CREATE INDEX `devlog_child_user_id_id` ON `devlogs` (`child_user_id`, `id`);
-- create index "devlog_root_user_id" to table: "devlogs"
CREATE INDEX `devlog_root_user_id` ON `devlogs` (`root_user_id`);
-- create "devlog_events" table
CREATE TABLE `devlog_events` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `seq` integer NOT NULL, `devlog_id` integer NOT NULL, `device_id` integer NOT NULL, `change` text NOT NULL, `status` text NOT NULL, `finish_flag` integer NULL, `treatment_date` text NOT NULL, `last_intensity` integer NOT NULL, `treatment_time` integer NOT NULL, `log_file_id` integer NULL, `last_log_file_id` integer NOT NULL, `devlog_created_at` datetime NOT NULL, `occurred_at` datetime NOT NULL, `child_user_id` integer NOT NULL, `root_user_id` integer NOT NULL, CONSTRAINT `devlog_events_child_users_devlog_events` FOREIGN KEY (`child_user_id`) REFERENCES `child_users` (`id`) ON DELETE CASCADE, CONSTRAINT `devlog_events_users_devlog_events` FOREIGN KEY (`root_user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- create index "devlogevent_root_user_id_seq" to table: "devlog_events"
CREATE UNIQUE INDEX `devlogevent_root_user_id_seq` ON `devlog_events` (`root_user_id`, `seq`);
-- create index "devlogevent_child_user_id" to table: "devlog_events"
CREATE INDEX `devlogevent_child_user_id` ON `devlog_events` (`child_user_id`);
-- create index "devlogevent_occurred_at" to table: "devlog_events"
CREATE INDEX `devlogevent_occurred_at` ON `devlog_events` (`occurred_at`);
-- create "identities" table
CREATE TABLE `identities` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `provider` text NOT NULL, `subject` text NOT NULL, `display_name` text NULL, `secret_hash` text NULL, `created_at` datetime NOT NULL, `deleted_at` datetime NULL, `root_user_id` integer NULL, CONSTRAINT `identities_users_identities` FOREIGN KEY (`root_user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- create index "identity_provider_subject" to table: "identities"
CREATE UNIQUE INDEX `identity_provider_subject` ON `identities` (`provider`, `subject`) WHERE deleted_at IS NULL;
-- create index "identity_provider_subject_deleted_at" to table: "identities"
CREATE INDEX `identity_provider_subject_deleted_at` ON `identities` (`provider`, `subject`, `deleted_at`);
-- create index "identity_root_user_id_provider" to table: "identities"
CREATE INDEX `identity_root_user_id_provider` ON `identities` (`root_user_id`, `provider`);
-- create "messages" table
CREATE TABLE `messages` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `channel` text NOT NULL, `recipient` text NOT NULL, `text` text NOT NULL, `dedup_key` text NULL, `state` text NOT NULL DEFAULT ('pending'), `attempts` integer NOT NULL DEFAULT (0), `due_at` datetime NOT NULL, `leased_until` datetime NULL, `last_error` text NULL, `created_at` datetime NOT NULL, `sent_at` datetime NULL, `root_user_id` integer NULL, CONSTRAINT `messages_users_messages` FOREIGN KEY (`root_user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- create index "message_dedup_key" to table: "messages"
CREATE UNIQUE INDEX `message_dedup_key` ON `messages` (`dedup_key`);
-- create index "message_state_due_at" to table: "messages"
CREATE INDEX `message_state_due_at` ON `messages` (`state`, `due_at`);
-- create index "message_root_user_id" to table: "messages"
CREATE INDEX `message_root_user_id` ON `messages` (`root_user_id`);
-- create "push_devices" table
CREATE TABLE `push_devices` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `registration_id` text NOT NULL, `created_at` datetime NOT NULL, `root_user_id` integer NOT NULL, CONSTRAINT `push_devices_users_push_devices` FOREIGN KEY (`root_user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- create index "pushdevice_registration_id" to table: "push_devices"
CREATE UNIQUE INDEX `pushdevice_registration_id` ON `push_devices` (`registration_id`);
-- create index "pushdevice_root_user_id" to table: "push_devices"
CREATE INDEX `pushdevice_root_user_id` ON `push_devices` (`root_user_id`);
-- create "sessions" table
CREATE TABLE `sessions` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `refresh_hash` text NOT NULL, `created_at` datetime NOT NULL, `refreshed_at` datetime NOT NULL, `expires_at` datetime NOT NULL, `ended_at` datetime NULL, `root_user_id` integer NOT NULL, CONSTRAINT `sessions_users_sessions` FOREIGN KEY (`root_user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- create index "session_root_user_id" to table: "sessions"
CREATE INDEX `session_root_user_id` ON `sessions` (`root_user_id`);
-- create index "session_expires_at" to table: "sessions"
CREATE INDEX `session_expires_at` ON `sessions` (`expires_at`);
-- create "users" table
CREATE TABLE `users` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `first_name` text NULL, `last_name` text NULL, `birthdate` text NULL, `gender` text NULL, `email` text NULL, `is_email_verified` bool NOT NULL DEFAULT (false), `phone` text NULL, `register_type` text NOT NULL, `national_code` text NULL, `password_hash` text NULL, `password_changed_at` datetime NULL, `wrong_passwords` integer NOT NULL DEFAULT (0), `blocked_until` datetime NULL, `credential_version` integer NOT NULL DEFAULT (1), `push_token` text NULL, `is_device_muted` bool NOT NULL DEFAULT (false), `is_device_alim_talk_enabled` bool NOT NULL DEFAULT (false), `is_basestation_alert_enabled` bool NOT NULL DEFAULT (false), `is_admin` bool NOT NULL DEFAULT (false), `notification_checked_at` datetime NULL, `event_seq` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `deleted_at` datetime NULL);
-- create "verification_codes" table
CREATE TABLE `verification_codes` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `purpose` text NOT NULL, `address` text NOT NULL, `code_hash` text NOT NULL, `tries` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `expires_at` datetime NOT NULL, `closed_at` datetime NULL, `grant_hash` text NULL, `grant_expires_at` datetime NULL, `grant_used_at` datetime NULL, `root_user_id` integer NULL, CONSTRAINT `verification_codes_users_verification_codes` FOREIGN KEY (`root_user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- create index "verificationcode_purpose_address_created_at" to table: "verification_codes"
CREATE INDEX `verificationcode_purpose_address_created_at` ON `verification_codes` (`purpose`, `address`, `created_at`);
-- create index "verificationcode_grant_hash" to table: "verification_codes"
CREATE UNIQUE INDEX `verificationcode_grant_hash` ON `verification_codes` (`grant_hash`);
-- create index "verificationcode_root_user_id_purpose" to table: "verification_codes"
CREATE INDEX `verificationcode_root_user_id_purpose` ON `verification_codes` (`root_user_id`, `purpose`);
-- create index "verificationcode_created_at" to table: "verification_codes"
CREATE INDEX `verificationcode_created_at` ON `verification_codes` (`created_at`);
