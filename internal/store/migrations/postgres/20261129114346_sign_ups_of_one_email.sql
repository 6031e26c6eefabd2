-- +goose Up
-- drop index "identity_provider_subject" from table: "identities"
DROP INDEX "identity_provider_subject";
-- create index "identity_provider_subject" to table: "identities"
CREATE UNIQUE INDEX "identity_provider_subject" ON "identities" ("provider", "subject") WHERE ((deleted_at IS NULL) AND (root_user_id IS NOT NULL));
