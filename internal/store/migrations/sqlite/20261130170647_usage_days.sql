-- +goose Up
-- create "usage_days" table
CREATE TABLE `usage_days` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `day` text NOT NULL, `surface` text NOT NULL, `name` text NOT NULL, `app` text NOT NULL, `version` text NOT NULL, `requests` integer NOT NULL DEFAULT (0));
-- create index "usageday_day_surface_name_app_version" to table: "usage_days"
CREATE UNIQUE INDEX `usageday_day_surface_name_app_version` ON `usage_days` (`day`, `surface`, `name`, `app`, `version`);
