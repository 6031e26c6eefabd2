-- +goose Up
-- add column "previous_verified_email" to table: "users"
ALTER TABLE `users` ADD COLUMN `previous_verified_email` text NULL;
-- create index "user_previous_verified_email" to table: "users"
CREATE INDEX `user_previous_verified_email` ON `users` (`previous_verified_email`);
-- create index "user_push_token" to table: "users"
CREATE INDEX `user_push_token` ON `users` (`push_token`);
-- An account whose first identity is of Facebook, and as old as the account, was made
-- through Facebook: it is of the type S.
UPDATE `users` SET `register_type` = 'S' WHERE `register_type` = 'L' AND EXISTS (
  SELECT 1 FROM `identities` AS `first` WHERE `first`.`root_user_id` = `users`.`id` AND `first`.`provider` = 'facebook'
  AND (julianday(`first`.`created_at`) - julianday(`users`.`created_at`)) * 86400 < 1
  AND NOT EXISTS (SELECT 1 FROM `identities` AS `earlier` WHERE `earlier`.`root_user_id` = `users`.`id` AND `earlier`.`id` < `first`.`id`));
