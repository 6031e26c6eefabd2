package repo_test

import (
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"

	"luxbff/server/app"
)

// instruction is an instruction of a Dockerfile, with its continued lines joined.
type instruction struct{ name, rest string }

// dockerfile gives the stages of the Dockerfile, each with its FROM as the first
// instruction.
func dockerfile(t *testing.T) (stages [][]instruction) {
	t.Helper()
	text := regexp.MustCompile(`(?m)^\s*#.*\n`).ReplaceAllString(read(t, "Dockerfile"), "")
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case name == "":
			continue
		case name == "FROM":
			stages = append(stages, nil)
		case len(stages) == 0:
			t.Fatalf("%s stands before FROM", line)
		}
		last := len(stages) - 1
		stages[last] = append(stages[last], instruction{name, strings.TrimSpace(rest)})
	}
	return stages
}

// only gives the arguments of the one instruction of that name.
func only(t *testing.T, stage []instruction, name string) string {
	t.Helper()
	var found []string
	for _, i := range stage {
		if i.name == name {
			found = append(found, i.rest)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d times %s: %v", len(found), name, found)
	}
	return found[0]
}

// TestImageHoldsTheProgramAlone holds that the image has an empty base, that nothing
// in it needs a shell, that it runs as a user without rights, and that it listens on
// the port that it exposes.
func TestImageHoldsTheProgramAlone(t *testing.T) {
	t.Parallel()
	stages := dockerfile(t)
	if len(stages) != 2 {
		t.Fatalf("%d stages", len(stages))
	}
	build, image := stages[0], stages[1]
	language := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))[1]
	if from := only(t, build, "FROM"); from != "golang:"+language+" AS build" {
		t.Errorf("built on %s, go.mod asks for %s", from, language)
	}
	if from := only(t, image, "FROM"); from != "scratch" {
		t.Errorf("the image stands on %s", from)
	}
	if user := only(t, image, "USER"); !regexp.MustCompile(`^[1-9]\d{3,}:[1-9]\d{3,}$`).MatchString(user) {
		t.Errorf("runs as %s: a name can't be looked up, and 0 is root", user)
	}
	for _, i := range image {
		if i.name == "RUN" || i.name == "SHELL" || slices.Contains([]string{"ENTRYPOINT", "CMD"}, i.name) && !strings.HasPrefix(i.rest, "[") {
			t.Errorf("%s %s needs a shell", i.name, i.rest)
		}
		if i.name == "COPY" && !strings.HasPrefix(i.rest, "--from=build ") {
			t.Errorf("the checkout is copied into the image: %s", i.rest)
		}
	}
	if entry := only(t, image, "ENTRYPOINT"); entry != `["/luxbff"]` {
		t.Errorf("starts %s", entry)
	}
	if check := only(t, image, "HEALTHCHECK"); !strings.HasSuffix(check, `CMD ["/luxbff", "healthcheck"]`) {
		t.Errorf("the health check is %s", check)
	}
	_, port, err := net.SplitHostPort(environment(t, image)["ADDR"])
	if exposed := only(t, image, "EXPOSE"); err != nil || exposed != port {
		t.Errorf("exposes %s, listens on %s", exposed, port)
	}
}

// environment is what ENV sets. An image holds no secret, so that the program must
// refuse to start with these settings alone.
func environment(t *testing.T, image []instruction) map[string]string {
	t.Helper()
	set := map[string]string{}
	for _, setting := range strings.Fields(only(t, image, "ENV")) {
		name, value, _ := strings.Cut(setting, "=")
		set[name] = value
	}
	cfg := app.Config{Addr: set["ADDR"], Env: set["APP_ENV"]}
	if err := cfg.Check(); cfg.Development() || err == nil {
		t.Errorf("the image alone runs as %q: %v", cfg.Env, err)
	}
	return set
}

// TestImageLeavesSecretsBehind holds that the build doesn't copy .env into the image.
func TestImageLeavesSecretsBehind(t *testing.T) {
	t.Parallel()
	for _, file := range []string{".dockerignore", ".gitignore"} {
		ignored := strings.Fields(read(t, file))
		if !slices.ContainsFunc(ignored, func(line string) bool { return strings.TrimPrefix(line, "/") == ".env" }) {
			t.Errorf("%s lets .env through", file)
		}
	}
}

// TestImageIsBuiltFromAllPackages holds that the build gets every folder of which the program
// is made.
func TestImageIsBuiltFromAllPackages(t *testing.T) {
	t.Parallel()
	all := listPackages(t)
	at := slices.IndexFunc(all, func(one goPackage) bool { return one.ImportPath == "luxbff/server" })
	for _, imported := range all[at].Deps {
		folder, isOwn := strings.CutPrefix(imported, "luxbff/")
		for _, ignored := range strings.Fields(read(t, ".dockerignore")) {
			if ignored = strings.Trim(ignored, "/"); isOwn && (folder == ignored || strings.HasPrefix(folder, ignored+"/")) {
				t.Errorf(".dockerignore keeps %s from the build, which needs %s", ignored, folder)
			}
		}
	}
}
