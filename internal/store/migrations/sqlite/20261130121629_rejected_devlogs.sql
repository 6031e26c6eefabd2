-- +goose Up
-- create "rejected_devlogs" table
CREATE TABLE `rejected_devlogs` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `digest` text NOT NULL, `record` text NOT NULL, `code` text NOT NULL, `field` text NOT NULL, `times` integer NOT NULL DEFAULT (1), `created_at` datetime NOT NULL, `rejected_at` datetime NOT NULL, `root_user_id` integer NOT NULL, CONSTRAINT `rejected_devlogs_users_rejected_devlogs` FOREIGN KEY (`root_user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- create index "rejecteddevlog_root_user_id_digest" to table: "rejected_devlogs"
CREATE UNIQUE INDEX `rejecteddevlog_root_user_id_digest` ON `rejected_devlogs` (`root_user_id`, `digest`);
-- create index "rejecteddevlog_root_user_id_id" to table: "rejected_devlogs"
CREATE INDEX `rejecteddevlog_root_user_id_id` ON `rejected_devlogs` (`root_user_id`, `id`);
-- create index "rejecteddevlog_rejected_at" to table: "rejected_devlogs"
CREATE INDEX `rejecteddevlog_rejected_at` ON `rejected_devlogs` (`rejected_at`);
