-- +goose Up
-- add column "purpose" to table: "messages"
ALTER TABLE `messages` ADD COLUMN `purpose` text NULL;
-- add column "expires_at" to table: "messages"
ALTER TABLE `messages` ADD COLUMN `expires_at` datetime NULL;
