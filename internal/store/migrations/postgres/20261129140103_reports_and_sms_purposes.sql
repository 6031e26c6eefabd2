-- +goose Up
-- modify "messages" table
ALTER TABLE "messages" ADD COLUMN "is_deleted_once_sent" boolean NOT NULL DEFAULT false;
-- modify "verification_codes" table
ALTER TABLE "verification_codes" ADD COLUMN "sms_purpose" character varying NULL, ADD COLUMN "is_email_verified" boolean NOT NULL DEFAULT false;
