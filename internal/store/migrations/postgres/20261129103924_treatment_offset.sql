-- +goose Up
-- modify "devlog_events" table
ALTER TABLE "devlog_events" ADD COLUMN "treatment_offset" character varying NULL;
-- modify "devlogs" table
ALTER TABLE "devlogs" ADD COLUMN "treatment_offset" character varying NULL;
