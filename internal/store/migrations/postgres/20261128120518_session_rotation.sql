-- +goose Up
-- modify "sessions" table
ALTER TABLE "sessions" ADD COLUMN "previous_hash" character varying NOT NULL DEFAULT '', ADD COLUMN "rotation_salt" character varying NOT NULL DEFAULT '', ADD COLUMN "rotation" bigint NOT NULL DEFAULT 0, ADD COLUMN "is_rotation_used" boolean NOT NULL DEFAULT false;
