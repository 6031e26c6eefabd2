-- +goose Up
-- Replicas of the last release store and change logs without a number while they are
-- replaced, and a phone that has read on meanwhile would never see those. They hold the lock
-- of the account's row, so that the number is what the new release would have written. The
-- release after this one drops the triggers and the function.
-- +goose StatementBegin
CREATE FUNCTION "number_devlog_change"() RETURNS trigger LANGUAGE plpgsql AS '
BEGIN
  NEW.change_seq = (SELECT event_seq + 1 FROM users WHERE id = NEW.root_user_id);
  RETURN NEW;
END';
-- +goose StatementEnd
CREATE TRIGGER "number_new_devlog" BEFORE INSERT ON "devlogs" FOR EACH ROW
  WHEN (NEW.change_seq = 0) EXECUTE FUNCTION "number_devlog_change"();
CREATE TRIGGER "number_changed_devlog" BEFORE UPDATE ON "devlogs" FOR EACH ROW
  WHEN (NEW.change_seq = OLD.change_seq) EXECUTE FUNCTION "number_devlog_change"();
