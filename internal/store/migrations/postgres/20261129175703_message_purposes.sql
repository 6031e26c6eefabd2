-- +goose Up
-- modify "messages" table
ALTER TABLE "messages" ADD COLUMN "purpose" character varying NULL, ADD COLUMN "expires_at" timestamptz NULL;
