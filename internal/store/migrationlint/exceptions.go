package migrationlint

// Exceptions gives the migrations after the last release that break the rule all the same,
// with the reason for which the release goes on working.
func Exceptions() map[string]string {
	const (
		small   = "written before the rule; the tables have a row for an account, a session or an installation, not one for a log, so that an index is built in a moment"
		key     = "written before the rule; the key that takes the place of another allows more than that one did, and both are changed in one transaction"
		two     = "written before the rule; migrate runs it again after a deadlock"
		types   = "written before the rule; the statement changes the few accounts that were made through Facebook"
		numbers = "the triggers leave the statements of the release as they are and number the logs that it writes; they wait for the lock of one table, and hold it for as long as making them takes"
	)
	return map[string]string{
		"postgres/20261129103924_treatment_offset.sql":                   two,
		"postgres/20261129105400_addresses_and_push_tokens.sql":          small + "; " + types,
		"postgres/20261129114346_sign_ups_of_one_email.sql":              key,
		"postgres/20261129134518_bounds.sql":                             small,
		"postgres/20261129140103_reports_and_sms_purposes.sql":           two,
		"postgres/20261129140708_session_clients.sql":                    small,
		"postgres/20261130200804_devlog_changes_of_the_last_release.sql": numbers,
		"sqlite/20261129105400_addresses_and_push_tokens.sql":            types,
		"sqlite/20261129114345_sign_ups_of_one_email.sql":                key,
	}
}
