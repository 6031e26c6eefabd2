-- +goose Up
-- create "idempotency_keys" table
CREATE TABLE `idempotency_keys` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `key_hash` text NOT NULL, `digest` text NOT NULL, `claim` text NOT NULL, `claimed_until` datetime NOT NULL, `is_executed` bool NOT NULL DEFAULT (false), `status` integer NULL, `answer` blob NULL, `created_at` datetime NOT NULL, `root_user_id` integer NULL, CONSTRAINT `idempotency_keys_users_idempotency_keys` FOREIGN KEY (`root_user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- create index "idempotencykey_key_hash" to table: "idempotency_keys"
CREATE UNIQUE INDEX `idempotencykey_key_hash` ON `idempotency_keys` (`key_hash`);
-- create index "idempotencykey_root_user_id_id" to table: "idempotency_keys"
CREATE INDEX `idempotencykey_root_user_id_id` ON `idempotency_keys` (`root_user_id`, `id`);
-- create index "idempotencykey_created_at" to table: "idempotency_keys"
CREATE INDEX `idempotencykey_created_at` ON `idempotency_keys` (`created_at`);
