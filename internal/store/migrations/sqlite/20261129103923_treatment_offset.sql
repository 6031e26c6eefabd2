-- +goose Up
-- add column "treatment_offset" to table: "devlogs"
ALTER TABLE `devlogs` ADD COLUMN `treatment_offset` text NULL;
-- add column "treatment_offset" to table: "devlog_events"
ALTER TABLE `devlog_events` ADD COLUMN `treatment_offset` text NULL;
