-- +goose Up
-- create index "message_recipient" to table: "messages"
CREATE INDEX "message_recipient" ON "messages" ("recipient");
