package repo_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"

	"luxbff/server/app"
)

// The tests of this file hold docker-compose.yml to the settings of the program. They
// load it with the library that docker compose itself uses, so that they need no
// Docker.

const composeFile = "docker-compose.yml"

// readmeSettings are what the README has an operator write into .env.
func readmeSettings(t *testing.T) []string {
	t.Helper()
	block := regexp.MustCompile("(?s)### With Docker.*?```sh\n(cat > \\.env .*?\nEND\n)").FindStringSubmatch(read(t, "README.md"))
	if block == nil {
		t.Fatal("the README doesn't say how to write .env")
	}
	folder := t.TempDir()
	bash := exec.CommandContext(t.Context(), "bash", "-ceu", block[1])
	bash.Dir = folder
	if out, err := bash.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	written, err := os.ReadFile(filepath.Join(folder, ".env"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(written)), "\n")
}

// loadCompose loads the file with these variables and no other.
func loadCompose(env []string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, composeFile)}, cli.WithEnv(env), cli.WithoutEnvironmentResolution)
	if err != nil {
		return nil, err
	}
	return options.LoadProject(context.Background())
}

func compose(t *testing.T) *types.Project {
	t.Helper()
	project, err := loadCompose(readmeSettings(t))
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestComposeNamesMissingSettings(t *testing.T) {
	t.Parallel()
	complete := readmeSettings(t)
	for i, setting := range complete {
		name, _, _ := strings.Cut(setting, "=")
		if _, err := loadCompose(slices.Delete(slices.Clone(complete), i, i+1)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

// TestComposeHoldsNoSecret holds that secrets come from the environment alone.
func TestComposeHoldsNoSecret(t *testing.T) {
	t.Parallel()
	secret := regexp.MustCompile(`(?m)^\s*\w*(PASSWORD|KEYS?|SECRET|TOKEN)\w*:\s*(.*)$`)
	found := secret.FindAllStringSubmatch(read(t, composeFile), -1)
	if len(found) < 2 {
		t.Errorf("only %d secrets are set", len(found))
	}
	for _, line := range found {
		if !strings.HasPrefix(line[2], "${") {
			t.Errorf("a secret stands in the file: %s", line[0])
		}
	}
	for _, service := range compose(t).Services {
		for name, value := range service.Environment {
			if at, err := url.Parse(*value); err == nil && at.User != nil {
				if password, set := at.User.Password(); set && strings.Contains(read(t, composeFile), password) {
					t.Errorf("%s of %s holds a password that stands in the file", name, service.Name)
				}
			}
		}
	}
}

// configOf reads a service's environment as the program does.
func configOf(t *testing.T, service types.ServiceConfig) app.Config {
	t.Helper()
	var cfg app.Config
	fields := map[string]reflect.StructField{}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[app.Config]()) {
		fields[field.Tag.Get("env")] = field
		set(t, &cfg, field, field.Tag.Get("default"))
	}
	for name, value := range service.Environment {
		field, known := fields[name]
		if !known {
			t.Errorf("%s sets %s, which the program doesn't read", service.Name, name)
			continue
		}
		set(t, &cfg, field, *value)
	}
	return cfg
}

func set(t *testing.T, cfg *app.Config, field reflect.StructField, text string) {
	t.Helper()
	if text == "" {
		return
	}
	var value any = text
	var err error
	switch field.Type {
	case reflect.TypeFor[int]():
		value, err = strconv.Atoi(text)
	case reflect.TypeFor[time.Duration]():
		value, err = time.ParseDuration(text)
	}
	if err != nil || reflect.TypeOf(value) != field.Type {
		t.Fatalf("%s can't be %q: %v", field.Name, text, err)
	}
	reflect.ValueOf(cfg).Elem().FieldByIndex(field.Index).Set(reflect.ValueOf(value))
}

// TestComposeRunsTheProgram holds that the program starts in production with what the
// file sets, finds the other services by their names, and is published on the ports
// on which it listens.
func TestComposeRunsTheProgram(t *testing.T) {
	t.Parallel()
	project := compose(t)
	if diff := cmp.Diff([]string{"app", "migrate", "nats", "postgres"}, project.ServiceNames()); diff != "" {
		t.Fatalf("services: %s", diff)
	}
	services := project.Services
	serve, postgres := services["app"], services["postgres"]
	for _, name := range []string{"app", "migrate"} {
		cfg := configOf(t, services[name])
		if err := cfg.Check(); err != nil || cfg.Development() {
			t.Errorf("%s does not start: %v", name, err)
		}
		if _, err := cfg.Keys(); err != nil {
			t.Errorf("%s does not start: %v", name, err)
		}
		database := parseURL(t, cfg.DatabaseURL)
		password, _ := database.User.Password()
		got := []string{database.Host, strings.Trim(database.Path, "/"), database.User.Username(), password}
		env := postgres.Environment
		want := []string{"postgres:5432", *env["POSTGRES_DB"], *env["POSTGRES_USER"], *env["POSTGRES_PASSWORD"]}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s speaks to another PostgreSQL: %s", name, diff)
		}
		if host := parseURL(t, cfg.NATSURL).Host; host != "nats:"+argument(t, services["nats"], "--port") {
			t.Errorf("%s speaks to NATS at %s", name, host)
		}
	}
	if diff := cmp.Diff([][]string{{"serve"}, {"migrate"}}, [][]string{serve.Command, services["migrate"].Command}); diff != "" {
		t.Errorf("commands: %s", diff)
	}
	cfg := configOf(t, serve)
	_, listens, _ := net.SplitHostPort(cfg.Addr)
	_, metrics, _ := net.SplitHostPort(cfg.MetricsAddr)
	if diff := cmp.Diff([]string{metrics}, []string(serve.Expose)); diff != "" {
		t.Errorf("exposed within: %s", diff)
	}
	for _, port := range serve.Ports {
		if fmt.Sprint(port.Target) != listens {
			t.Errorf("port %s leads to %d, the program listens on %s", port.Published, port.Target, cfg.Addr)
		}
	}
	// Each replica takes one port of the range.
	if len(serve.Ports) != 1 || serve.Ports[0].Published != "8080-8081" || *serve.Deploy.Replicas != 2 {
		t.Errorf("%d replicas share the ports %+v", *serve.Deploy.Replicas, serve.Ports)
	}
	if grace := time.Duration(*serve.StopGracePeriod); grace <= cfg.DrainFor {
		t.Errorf("a replica is killed after %v while it may drain for %v", grace, cfg.DrainFor)
	}
}

// argument is the argument of a flag in a service's command.
func argument(t *testing.T, service types.ServiceConfig, flag string) string {
	t.Helper()
	at := slices.Index(service.Command, flag)
	if at < 0 || at+1 == len(service.Command) {
		t.Fatalf("%s has no %s: %v", service.Name, flag, service.Command)
	}
	return service.Command[at+1]
}

// parseURL parses an address.
func parseURL(t *testing.T, text string) *url.URL {
	t.Helper()
	parsed, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestComposeWaitsForHealth holds that a service starts after those that it needs are
// healthy, that each of those has a health check, and that the database is kept in a
// volume.
func TestComposeWaitsForHealth(t *testing.T) {
	t.Parallel()
	project := compose(t)
	conditions := map[string]string{}
	for _, service := range project.Services {
		for on, dependency := range service.DependsOn {
			conditions[service.Name+" on "+on] = dependency.Condition
			needed := project.Services[on]
			if dependency.Condition == types.ServiceConditionHealthy && (needed.HealthCheck == nil || needed.HealthCheck.Disable) {
				t.Errorf("%s waits for the health of %s, which has no health check", service.Name, on)
			}
		}
	}
	want := map[string]string{
		"migrate on postgres": types.ServiceConditionHealthy,
		"app on postgres":     types.ServiceConditionHealthy,
		"app on migrate":      types.ServiceConditionCompletedSuccessfully,
		"app on nats":         types.ServiceConditionStarted,
	}
	if diff := cmp.Diff(want, conditions); diff != "" {
		t.Errorf("conditions of dependencies: %s", diff)
	}
	for name, test := range map[string][]string{
		"app":      {"CMD", "/luxbff", "healthcheck"},
		"postgres": {"CMD-SHELL", "pg_isready -U luxbff -d luxbff"},
		"nats":     {"CMD", "wget", "--quiet", "--output-document=-", "http://127.0.0.1:" + argument(t, project.Services["nats"], "--http_port") + "/healthz"},
	} {
		if diff := cmp.Diff(test, []string(project.Services[name].HealthCheck.Test)); diff != "" {
			t.Errorf("health check of %s: %s", name, diff)
		}
	}
	mounts := project.Services["postgres"].Volumes
	if len(mounts) != 1 || mounts[0].Type != types.VolumeTypeVolume || mounts[0].Target != "/var/lib/postgresql/data" {
		t.Errorf("volumes of postgres: %+v", mounts)
	}
	if _, kept := project.Volumes[mounts[0].Source]; !kept {
		t.Errorf("the volume %s is none of the project's", mounts[0].Source)
	}
}

// TestComposeGivesNoRights holds that no service can gain rights or take all memory, that
// none but the database can write to its file system, and that only the program is
// published, on this machine alone.
func TestComposeGivesNoRights(t *testing.T) {
	t.Parallel()
	for name, service := range compose(t).Services {
		if !slices.Equal(service.SecurityOpt, []string{"no-new-privileges:true"}) || service.Privileged || service.User == "root" {
			t.Errorf("%s can gain rights: %+v", name, service)
		}
		if limit := service.MemLimit; limit <= 0 || limit > 2<<30 {
			t.Errorf("%s may take %d bytes of memory", name, limit)
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s is published on %q: %+v", name, port.HostIP, port)
			}
		}
		if name == "postgres" {
			continue // its image drops rights by itself, and it writes to its volume
		}
		if !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) {
			t.Errorf("%s has more rights than it needs: %+v", name, service)
		}
		if name != "app" && len(service.Ports) > 0 {
			t.Errorf("%s is published: %v", name, service.Ports)
		}
	}
}
