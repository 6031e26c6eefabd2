package store_test

import (
	"strings"
	"testing"

	"luxbff/internal/store"
)

// A URL that can lead to a standby is refused before anything connects, and so is one
// with which a host that was lost would use up the time of every request.
func TestTargetOfTheURL(t *testing.T) {
	t.Parallel()
	const one, several = "postgres://luxbff:secret@127.0.0.1:1/luxbff?sslmode=prefer", "postgres://luxbff:secret@127.0.0.1:1,[::1]:1/luxbff?sslmode=prefer"
	for address, want := range map[string]string{
		one:                                                  "failed to connect",
		one + "&target_session_attrs=any":                    "failed to connect",
		one + "&target_session_attrs=primary":                "failed to connect",
		one + "&target_session_attrs=read-write":             "failed to connect",
		one + "&connect_timeout=30":                          "failed to connect",
		several + "&target_session_attrs=primary":            "failed to connect",
		several + "&target_session_attrs=read-write":         "failed to connect",
		"postgres:///luxbff?port=1&host=127.0.0.1,127.0.0.1": "failed to connect",
		one + "&target_session_attrs=standby":                "asks for a standby, which takes no writes: say read-write",
		one + "&target_session_attrs=prefer-standby":         "asks for a standby",
		one + "&target_session_attrs=read-only":              "asks for a standby",
		one + "&target_session_attrs=master":                 "target_session_attrs (or PGTARGETSESSIONATTRS) has a value that is none",
		several + "&target_session_attrs=standby":            "asks for a standby",
		several:                               "several hosts",
		several + "&target_session_attrs=any": "several hosts",
		several + "&target_session_attrs=read-write&connect_timeout=9":  "failed to connect",
		several + "&target_session_attrs=read-write&connect_timeout=10": "nobody waits for longer than 10s: say 2 seconds or less",
		"host=127.0.0.1,::1 port=1 dbname=luxbff password=secret":       "must begin with file: or postgres://",
		"postgres:///luxbff?port=1,2,3&host=127.0.0.1,::1":              "neither one port for all hosts nor one for each",
	} {
		db, err := store.Open(t.Context(), store.Config{URL: address})
		if err == nil {
			t.Fatalf("%s opens: %v", address, db.Close())
		}
		if text := err.Error(); !strings.Contains(text, want) || strings.Contains(text, "secret") {
			t.Errorf("%s: %s; want %q", address, text, want)
		}
	}
}
