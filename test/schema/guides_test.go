package schema_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

const guidesPath = "../../docs/guides"

// block is one of fenced code, with the file from which it is cut out, if it says so.
var block = regexp.MustCompile("(?m)(?:^<!-- (\\S+) -->\n)?^```(\\w+)\n((?s:.*?))^```$")

// enumValue is one of several words in backquotes, as codes of errors are.
var enumValue = regexp.MustCompile("`([A-Z]+(?:_[A-Z]+)+)`")

// TestGuidesShowWhatRuns holds the guides to the program: each document is valid, code
// stands, line for line, in the file that it names, and each code of an error is one. The
// JavaScript files run in test/clients.
func TestGuidesShowWhatRuns(t *testing.T) {
	t.Parallel()
	guides, err := filepath.Glob(guidesPath + "/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, of := range present(t).Types {
		for _, value := range of.EnumValues {
			values = append(values, value.Name)
		}
	}
	found := map[string]int{}
	for _, guide := range guides {
		for _, named := range enumValue.FindAllStringSubmatch(read(t, guide), -1) {
			if !slices.Contains(values, named[1]) {
				t.Errorf("%s: the schema has no value %s", guide, named[1])
			}
		}
		for _, match := range block.FindAllStringSubmatch(read(t, guide), -1) {
			source, language, code := match[1], match[2], match[3]
			found[language]++
			switch {
			case language == "graphql":
				if _, err := gqlparser.LoadQueryWithRules(present(t), code, rules.NewDefaultRules()); err != nil {
					t.Errorf("%s: %v\n%s", guide, err, code)
				}
			case source != "":
				if !strings.Contains(read(t, "../../"+source), strings.TrimSpace(code)) {
					t.Errorf("%s: this does not stand in %s:\n%s", guide, source, code)
				}
			case slices.Contains([]string{"js", "kotlin", "swift"}, language):
				t.Errorf("%s: this names no file that it is cut from:\n%s", guide, code)
			}
		}
	}
	if found["graphql"] < 4 || found["js"] < 5 || found["kotlin"] < 3 || found["swift"] < 3 {
		t.Errorf("the guides have %v", found)
	}
}

// TestGuidesAreListed holds that a reader finds each guide from the first page.
func TestGuidesAreListed(t *testing.T) {
	t.Parallel()
	guides, err := filepath.Glob(guidesPath + "/*.md")
	if err != nil {
		t.Fatal(err)
	}
	index := read(t, guidesPath+"/README.md")
	for _, guide := range guides {
		if name := filepath.Base(guide); name != "README.md" && !strings.Contains(index, "]("+name+")") {
			t.Errorf("%s is not listed", name)
		}
	}
}

// TestMobileSamplesFitTheSchema holds the samples for phones to the schema, as far as it goes
// without their compilers: their operations are valid, and they use each of them by the name
// that its generator gives it.
func TestMobileSamplesFitTheSchema(t *testing.T) {
	t.Parallel()
	document, err := gqlparser.LoadQueryWithRules(present(t), read(t, "../../examples/mobile/operations.graphql"), rules.NewDefaultRules())
	if err != nil {
		t.Fatal(err)
	}
	kotlin, swift := read(t, "../../examples/kotlin/Luxbff.kt"), read(t, "../../examples/swift/Luxbff.swift")
	for _, operation := range document.Operations {
		kind := strings.ToUpper(string(operation.Operation[:1])) + string(operation.Operation[1:])
		used := operation.Name + kind
		if !strings.Contains(kotlin, used) || operation.Name != "Home" && !strings.Contains(swift, used) {
			t.Errorf("a sample doesn't use %s", used)
		}
	}
	for name, of := range present(t).Types {
		isOwn := of.Kind == "SCALAR" && !of.BuiltIn
		if isOwn && !strings.Contains(read(t, "../../examples/kotlin/build.gradle.kts"), `mapScalarToKotlinString("`+name+`")`) {
			t.Errorf("the Kotlin sample maps no scalar %s", name)
		}
	}
}
