package e2e_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/storetest"
)

// runDoctor runs `server doctor` with these settings, and gives what it printed and
// whether it found everything well.
func runDoctor(t *testing.T, url string, settings ...string) (report string, well bool) {
	t.Helper()
	c := processtest.Command(t, url, "doctor")
	c.Env = append(c.Env, settings...)
	out, err := c.CombinedOutput()
	if wrong := strings.Contains(string(out), "WRONG"); wrong != (err != nil) {
		t.Errorf("the doctor ended with %v after\n%s", err, out)
	}
	return string(out), err == nil
}

// The installation is one on SQLite: the PostgreSQL of tests isn't healthy, because it
// may lose commits for speed.
func TestDoctorFindsAHealthyInstallation(t *testing.T) {
	t.Parallel()
	report, well := runDoctor(t, storetest.SQLiteURL(t))
	if !well {
		t.Errorf("the doctor found\n%s", report)
	}
	for _, about := range []string{"settings", "keys", "database", "rights of the files", "migrations", "NATS", "messages", "sign-in", "limits"} {
		if !regexp.MustCompile(`(?m)^ok     ` + about + ` `).MatchString(report) {
			t.Errorf("the doctor reports nothing of %s:\n%s", about, report)
		}
	}
}

func TestDoctorFindsProblems(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	empty, text, shared := filepath.Join(folder, "empty.db"), filepath.Join(folder, "text.db"), filepath.Join(folder, "shared.db")
	for file, content := range map[string]string{empty: "", text: strings.Repeat("secret ", 2000)} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(shared, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(shared, 0o644); err != nil {
		t.Fatal(err)
	}
	guessed := "TOKEN_KEYS=main:" + base64.StdEncoding.EncodeToString([]byte("secret secret secret secret secr"))
	for name, c := range map[string]struct {
		url, want string
		settings  []string
	}{
		"no database":         {url: "file:" + folder + "/none.db", want: "WRONG  database .*there is none at .*none.db: `server migrate` makes a new one"},
		"an empty file":       {url: "file:" + empty, want: "WRONG  database .*is empty: `server migrate` makes its tables"},
		"a damaged file":      {url: "file:" + text, want: "WRONG  database .*is no SQLite database"},
		"wrong pragmas":       {url: "file:" + empty + "?_pragma=synchronous(OFF)", want: "WRONG  settings of the database .*synchronous is 0, must be 2"},
		"no PostgreSQL":       {url: "postgres://luxbff:secret@127.0.0.1:1/luxbff", want: "WRONG  database .*connect"},
		"no URL":              {url: "luxbff.db", want: "WRONG  database .*must begin with file: or postgres://"},
		"no NATS":             {url: "file:" + empty, want: "WRONG  NATS .*no servers available", settings: []string{"NATS_URL=nats://luxbff:secret@127.0.0.1:1"}},
		"a broken key":        {url: "file:" + empty, want: "WRONG  keys .*key 1", settings: []string{"TOKEN_KEYS=secret"}},
		"a guessable key":     {url: "file:" + empty, want: "WRONG  keys .*main can be guessed", settings: []string{"APP_ENV=production", guessed}},
		"development's key":   {url: "file:" + empty, want: "WRONG  settings .*TOKEN_KEYS is missing", settings: []string{"APP_ENV=production", "TOKEN_KEYS="}},
		"no address":          {url: "file:" + empty, want: "WRONG  settings .*PUBLIC_URL", settings: []string{"APP_ENV=production"}},
		"no providers":        {url: "file:" + empty, want: "WRONG  messages .*nothing sends push, sms, alimtalk, email", settings: []string{"APP_ENV=production"}},
		"no proxy":            {url: "file:" + empty, want: "WRONG  limits .*TRUSTED_PROXIES is empty", settings: []string{"APP_ENV=production"}},
		"readable for others": {url: "file:" + shared, want: `WRONG  rights of the files .*shared\.db \(0644\).*chmod 600`},
		"no environment":      {url: "postgres://luxbff:secret@127.0.0.1:1/luxbff", want: "WRONG  settings .*APP_ENV must say", settings: []string{"APP_ENV="}},
		"an open way to the database": {
			url: "postgres://luxbff:secret@0.0.0.0:1/luxbff", want: "WRONG  way to the database .*0.0.0.0.*sslmode=verify-full", settings: []string{"APP_ENV=production"},
		},
		"no service account": {url: "file:" + empty, want: "WRONG  settings .*FCM_CREDENTIALS: it is not the JSON", settings: []string{"FCM_CREDENTIALS=" + text}},
		"no Facebook":        {url: "file:" + empty, want: "WRONG  settings .*FACEBOOK_GRAPH_URL", settings: []string{"FACEBOOK_GRAPH_URL=facebook"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, well := runDoctor(t, c.url, c.settings...)
			if well || !regexp.MustCompile(c.want).MatchString(report) || strings.Contains(report, "secret") {
				t.Errorf("the doctor reports\n%s\nwant %s and no secret", report, c.want)
			}
		})
	}
}
