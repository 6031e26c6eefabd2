-- +goose Up
-- add column "added_at" to table: "push_devices"
ALTER TABLE `push_devices` ADD COLUMN `added_at` datetime NULL;
-- create index "feedposition_root_user_id_updated_at" to table: "feed_positions"
CREATE INDEX `feedposition_root_user_id_updated_at` ON `feed_positions` (`root_user_id`, `updated_at`);
