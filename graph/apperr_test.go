package graph_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql/errcode"

	"luxbff/ent/identity"
	"luxbff/graph"
	"luxbff/internal/apperr"
)

// TestErrorCodesAreComplete compares the enum ErrorCode with every code that the program
// can send: those of the kinds of apperr, and those that stand in the packages that serve
// GraphQL.
func TestErrorCodesAreComplete(t *testing.T) {
	t.Parallel()
	sent := codesOfKinds()
	maps.Copy(sent, codesOfTransports(t))
	listed := map[string]bool{}
	for _, value := range graph.Schema(nil).Schema().Types["ErrorCode"].EnumValues {
		listed[value.Name] = true
		if sent[value.Name] == "" && value.Directives.ForName("deprecated") == nil {
			t.Errorf("graph/apperr.graphqls: no error has the code %s any more. Apps in the field may name it: mark the value with @deprecated, or remove it if no release had it", value.Name)
		}
	}
	for code, where := range sent {
		if !listed[code] {
			t.Errorf("%s, of %s, is no value of ErrorCode: add it to graph/apperr.graphqls with a description that says what it means, then on lines of their own `Retry: …` (whether the same request can succeed later) and `App: …` (what an app does), and run `make generate`", code, where)
		}
	}
}

// codesOfKinds gives the codes of the documented errors. Where a text names a provider
// there is a code for each.
func codesOfKinds() map[string]string {
	codes := map[string]string{}
	for _, kind := range apperr.Kinds() {
		for _, provider := range []identity.Provider{
			identity.ProviderApple, identity.ProviderFacebook, identity.ProviderGoogle, identity.ProviderKakao, identity.ProviderNaver,
		} {
			codes[kind.WithProvider(provider.String()).Code()] = "internal/apperr/kinds.go"
		}
	}
	return codes
}

// codesOfTransports reads the packages that serve GraphQL: what stands there in capitals
// is a code of theirs, and errcode names those of gqlgen.
func codesOfTransports(t *testing.T) map[string]string {
	t.Helper()
	gqlgen := map[string]string{"ParseFailed": errcode.ParseFailed, "ValidationFailed": errcode.ValidationFailed}
	inCapitals := regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$`)
	// The code of an upgrade that is refused for its origin is made of the status.
	codes := map[string]string{"FORBIDDEN": "server/gqlstream"}
	for _, name := range []string{"gqlhttp", "gqlstream", "gqlws", "connection", "middleware"} {
		folder := filepath.Join("../server", name)
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(node ast.Node) bool {
				switch node := node.(type) {
				case *ast.Field: // a struct tag or the like
					return node.Tag == nil
				case *ast.SelectorExpr:
					if of, isName := node.X.(*ast.Ident); isName && of.Name == "errcode" && node.Sel.Name != "Set" {
						code := gqlgen[node.Sel.Name]
						if code == "" {
							t.Errorf("%s: what is errcode.%s?", path, node.Sel.Name)
						}
						codes[code] = path
					}
				case *ast.BasicLit:
					text, _ := strconv.Unquote(node.Value)
					if node.Kind == token.STRING && inCapitals.MatchString(text) {
						codes[text] = path
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return codes
}

// TestErrorCodesSayWhatToDo holds each description to its three parts, and what it says of
// trying again to the status.
func TestErrorCodesSayWhatToDo(t *testing.T) {
	t.Parallel()
	parts := regexp.MustCompile(`(?s)^[A-Z].+\.\nRetry: (.+)\.\nApp: .+\.$`)
	passing := []apperr.Kind{apperr.Internal, apperr.Unavailable, apperr.ProviderUnavailable, apperr.TooManyRequests, apperr.AccountBlocked, apperr.TooManyEmailCodes, apperr.IdempotencyKeyInUse}
	for _, value := range graph.Schema(nil).Schema().Types["ErrorCode"].EnumValues {
		found := parts.FindStringSubmatch(value.Description)
		if found == nil {
			t.Errorf("%s: the description isn't of three parts, each on a line of its own, `What it means.`, `Retry: whether that helps.`, `App: what it does.`: %q", value.Name, value.Description)
			continue
		}
		isPassing := slices.ContainsFunc(passing, func(kind apperr.Kind) bool { return kind.New().Code() == value.Name })
		if isPassing && !strings.HasPrefix(found[1], "later") {
			t.Errorf("%s passes, and its description says of trying again: %s", value.Name, found[1])
		}
	}
}
