-- +goose Up
-- modify "devlogs" table
ALTER TABLE "devlogs" ADD COLUMN "change_seq" bigint NOT NULL DEFAULT 0;
