package e2e_test

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/testutil/processtest"
)

// pageLocks are those of the pages in the program.
func pageLocks() []string {
	return []string{"../../server/graphiql/web/package-lock.json", "../../server/scalar/web/package-lock.json"}
}

// bill is a CycloneDX document, with every member that its schema asks for.
type bill struct {
	BOMFormat, SpecVersion string
	Version                int
	Metadata               struct{ Component part }
	Components             []part
}

type part struct {
	Type, Name, Version, PURL string
	BOMRef                    string `json:"bom-ref"`
	Hashes                    []struct{ Alg, Content string }
}

// TestSBOMNamesWhatTheProgramIsMadeOf holds that the bill of materials lists every module
// of the built program and every npm package in the bundles of its pages, each with its version
// and package URL, and that it is the same each time.
func TestSBOMNamesWhatTheProgramIsMadeOf(t *testing.T) {
	t.Parallel()
	program := processtest.Build(t)
	text := writeSBOM(t, program)
	if again := writeSBOM(t, program); !bytes.Equal(text, again) {
		t.Error("the same program gives another document")
	}
	var got bill
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.BOMFormat != "CycloneDX" || got.SpecVersion != "1.6" || got.Version != 1 || got.Metadata.Component.Name != "luxbff" {
		t.Errorf("%+v", got.Metadata)
	}
	found := map[string]string{}
	for _, p := range append(got.Components, got.Metadata.Component) {
		p.check(t)
		if found[p.BOMRef] != "" {
			t.Errorf("two components are %s", p.BOMRef)
		}
		found[p.BOMRef] = p.Name + " " + p.Version
	}
	delete(found, got.Metadata.Component.BOMRef)
	want := append(modulesOf(t, program), bundledPackages(t)...)
	slices.Sort(want)
	if diff := cmp.Diff(slices.Compact(want), slices.Sorted(maps.Values(found))); diff != "" {
		t.Errorf("what is in the program (-), what the document lists (+):\n%s", diff)
	}
}

func (p part) check(t *testing.T) {
	t.Helper()
	if !regexp.MustCompile(`^(library|application)$`).MatchString(p.Type) || p.Version == "" ||
		!regexp.MustCompile(`^pkg:(golang|npm)/[A-Za-z0-9.~_/%-]+@[A-Za-z0-9.~_%()-]+$`).MatchString(p.PURL) {
		t.Errorf("%+v is no component of CycloneDX", p)
	}
	for _, h := range p.Hashes {
		if h.Alg != "SHA-512" || !regexp.MustCompile(`^[0-9a-f]{128}$`).MatchString(h.Content) {
			t.Errorf("%s: %+v is no hash", p.Name, h)
		}
	}
	if strings.HasPrefix(p.PURL, "pkg:npm/") && len(p.Hashes) == 0 {
		t.Errorf("%s has no hash", p.Name)
	}
}

func writeSBOM(t *testing.T, program string) []byte {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"run", "luxbff/internal/tools/sbom", program}, pageLocks()...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// modulesOf are the modules of the program and Go's library, as "name version".
func modulesOf(t *testing.T, program string) []string {
	t.Helper()
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"std " + strings.TrimPrefix(info.GoVersion, "go")}
	for _, module := range info.Deps {
		all = append(all, module.Path+" "+module.Version)
	}
	return all
}

// bundledPackages are those that npm installs for the pages without what builds them.
func bundledPackages(t *testing.T) (all []string) {
	t.Helper()
	for _, path := range pageLocks() {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var lock struct {
			Packages map[string]struct {
				Version string
				Dev     bool
			}
		}
		if err := json.Unmarshal(text, &lock); err != nil {
			t.Fatal(err)
		}
		for path, p := range lock.Packages {
			if parts := strings.Split(path, "node_modules/"); len(parts) > 1 && !p.Dev {
				all = append(all, parts[len(parts)-1]+" "+p.Version)
			}
		}
	}
	return all
}
