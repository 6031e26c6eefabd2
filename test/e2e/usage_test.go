package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"luxbff/internal/testutil/processtest"
)

// TestUsageCommand serves requests of an app, ends the server, and asks what was used.
func TestUsageCommand(t *testing.T) {
	t.Parallel()
	database := filepath.Join(t.TempDir(), "luxbff.db")
	s := start(t, command(t, database))
	for range 3 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/api/v1/lux/user/me", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("User-Agent", "lux/3.1 CFNetwork/1.0")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	s.Terminate(t)
	s.WaitForExit(t)
	today := time.Now().UTC().Format(time.DateOnly)
	for _, c := range []struct {
		args  []string
		well  bool
		wants string
	}{
		{[]string{"--app", "lux"}, true, `^SURFACE +NAME +APP +VERSION +REQUESTS +FIRST DAY +LAST DAY\nLUX +GET /api/v1/lux/user/me +lux +3\.1 +3 +\S+ +\S+\n$`},
		{[]string{"--app", "lux", "--since", today, "--json"}, true, `^\[\{"surface":"LUX","name":"GET /api/v1/lux/user/me","app":"lux","version":"3.1","requests":3,"firstDay":"`},
		{[]string{"--app", "nobody", "--json"}, true, `^\[\]\n$`},
		{[]string{"--since", "2999-01-01"}, true, `^SURFACE .*LAST DAY\n$`},
		{[]string{"--since", "yesterday"}, false, `--since must be a day as 2027-01-31`},
	} {
		out, err := processtest.Command(t, "file:"+database, append([]string{"usage"}, c.args...)...).CombinedOutput()
		if (err == nil) != c.well || !regexp.MustCompile(c.wants).Match(out) {
			t.Errorf("%v: %v\n%s\nwant %s", c.args, err, out, c.wants)
		}
	}
}

// TestSunsetsAreReadAgain changes the file of a server that runs, and asks the doctor about it.
func TestSunsetsAreReadAgain(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	database, file := filepath.Join(folder, "luxbff.db"), filepath.Join(folder, "sunsets")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("GET /api/v1/lux/user/me 2027-06-30\n")
	serve := command(t, database)
	serve.Env = append(serve.Env, "SUNSETS="+file)
	s := start(t, serve)
	check := func(want string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/api/v1/lux/user/me", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if got := response.Header.Get("Sunset"); got != want {
			t.Errorf("Sunset %q, want %q", got, want)
		}
	}
	reload := func(said string) {
		t.Helper()
		sendSignal(t, s.PID, syscall.SIGHUP)
		s.WaitFor(t, said+" is in the log", func() bool { return strings.Contains(s.Log.String(), said) })
	}
	check("Wed, 30 Jun 2027 00:00:00 GMT")
	write("GET /nowhere 2027-06-30\n")
	reload("the ends of routes stay as they were")
	check("Wed, 30 Jun 2027 00:00:00 GMT")
	if report, well := runDoctor(t, "file:"+database, "SUNSETS="+file); well || !regexp.MustCompile(`(?m)^WRONG  sunsets .*line 1: there is no route "GET /nowhere"`).MatchString(report) {
		t.Errorf("the doctor found\n%s", report)
	}
	write("GET /api/v1/lux/user/me 2027-07-01\n")
	reload("routes=1")
	check("Thu, 01 Jul 2027 00:00:00 GMT")
	if report, well := runDoctor(t, "file:"+database, "SUNSETS="+file); !well || !strings.Contains(report, "of 1 routes") {
		t.Errorf("the doctor found\n%s", report)
	}
}
