package repo_test

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"luxbff/server/app"
)

const serviceFile = "examples/luxbff.service"

// serviceSettings are the settings of the unit for systemd; one that is set twice has
// both values.
func serviceSettings(t *testing.T) map[string][]string {
	t.Helper()
	settings := map[string][]string{}
	for _, line := range regexp.MustCompile(`(?m)^([A-Za-z]+)=(.*)$`).FindAllStringSubmatch(read(t, serviceFile), -1) {
		settings[line[1]] = append(settings[line[1]], line[2])
	}
	return settings
}

// defaultOf is the default of a setting of the program.
func defaultOf(t *testing.T, variable string) string {
	t.Helper()
	for _, field := range reflect.VisibleFields(reflect.TypeFor[app.Config]()) {
		if field.Tag.Get("env") == variable {
			return field.Tag.Get("default")
		}
	}
	t.Fatalf("there is no setting %s", variable)
	return ""
}

// TestServiceSuitsTheProgram holds that systemd gives the program as many files as it
// takes connections, more time to start and to stop than it may take, and a signal by which
// it stops.
func TestServiceSuitsTheProgram(t *testing.T) {
	t.Parallel()
	unit := serviceSettings(t)
	number := func(text string) int {
		t.Helper()
		value, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	duration := func(text string) time.Duration {
		t.Helper()
		value, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	one := func(name string) string {
		t.Helper()
		if len(unit[name]) != 1 {
			t.Fatalf("the unit sets %s to %v", name, unit[name])
		}
		return unit[name][0]
	}
	if files, connections := number(one("LimitNOFILE")), number(defaultOf(t, "CONNECTIONS")); files < connections+1000 {
		t.Errorf("%d files for %d connections", files, connections)
	}
	if stop, drain := duration(one("TimeoutStopSec")+"s"), duration(defaultOf(t, "DRAIN_FOR")); stop <= drain {
		t.Errorf("it is killed after %v, and may drain for %v", stop, drain)
	}
	if start, wait := duration(one("TimeoutStartSec")+"s"), duration(defaultOf(t, "DATABASE_WAIT")); start <= wait {
		t.Errorf("it is killed after %v, and may wait for its database for %v", start, wait)
	}
	if one("Type") != "notify" || len(unit["KillSignal"]) != 0 {
		t.Errorf("it is %s and is stopped by %v", one("Type"), unit["KillSignal"])
	}
	if got := one("ExecReload"); got != "/bin/kill -HUP $MAINPID" {
		t.Errorf("it is reloaded by %q", got)
	}
	// Without these it could take rights, or reach what is none of its business.
	if one("User") == "root" || one("NoNewPrivileges") != "yes" || one("CapabilityBoundingSet") != "" || one("ProtectSystem") != "strict" {
		t.Error("it has more rights than it needs")
	}
	if families := strings.Fields(one("RestrictAddressFamilies")); !slices.Contains(families, "AF_UNIX") {
		t.Errorf("ADDR=unix: and the notification need a Unix socket: %v", families)
	}
}
