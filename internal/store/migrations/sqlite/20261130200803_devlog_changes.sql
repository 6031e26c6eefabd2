-- +goose Up
-- add column "change_seq" to table: "devlogs"
ALTER TABLE `devlogs` ADD COLUMN `change_seq` integer NOT NULL DEFAULT 0;
-- create index "devlog_child_user_id_change_seq_id" to table: "devlogs"
CREATE INDEX `devlog_child_user_id_change_seq_id` ON `devlogs` (`child_user_id`, `change_seq`, `id`);
