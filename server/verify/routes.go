package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// openAPI is what the questions need of the server's own OpenAPI document.
type openAPI struct {
	Paths map[string]map[string]struct {
		Security    []map[string][]string
		RequestBody *struct{ Required bool }
		Responses   responses
	}
	Components struct{ Schemas map[string]json.RawMessage }
}

const openAPIPath = "/openapi.json"

// routes are the questions about each route that the server documents. It gets no request that
// would change anything: one without a token where it needs one, one whose body is no JSON where
// it takes a body, and one in the name of the account where it only reads. Whatever it answers
// must be documented, with that shape.
func (s *server) routes(ctx context.Context) ([]check, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	got, err := s.send(ctx, request{method: http.MethodGet, path: openAPIPath})
	if err != nil {
		return nil, fmt.Errorf("verify: read %s: %w", openAPIPath, err)
	}
	var document openAPI
	if err := json.Unmarshal(got.body, &document); err != nil || len(document.Paths) == 0 {
		return nil, fmt.Errorf("verify: %s is no OpenAPI document: %w", openAPIPath, errors.Join(err, errors.New(got.String())))
	}
	shared := map[string]*schema{}
	for name, text := range document.Components.Schemas {
		if shared[name], err = parseSchema(text); err != nil {
			return nil, fmt.Errorf("verify: %s: %s: %w", openAPIPath, name, err)
		}
	}
	var all []check
	for path, methods := range document.Paths {
		for method, operation := range methods {
			method = strings.ToUpper(method)
			r := request{method: method, path: withIDs(path), header: map[string]string{"Accept": plainJSON}}
			ask := func(about string, needsToken bool, change func(r *request)) {
				all = append(all, check{
					name: fmt.Sprintf("%s %s, %s", method, path, about), needsToken: needsToken,
					ask: func(ctx context.Context, s *server) error {
						return s.askShape(ctx, r, change, operation.Responses, shared)
					},
				})
			}
			needsToken := len(operation.Security) > 0
			if needsToken {
				ask("without a token", false, func(*request) {})
			}
			if operation.RequestBody != nil {
				ask("with a body that is no JSON", needsToken, func(r *request) {
					r.asAccount, r.body = needsToken, new("{")
					r.header = map[string]string{"Accept": plainJSON, "Content-Type": plainJSON}
				})
			}
			if method == http.MethodGet {
				ask("which reads", needsToken, func(r *request) { r.asAccount = needsToken })
			}
		}
	}
	slices.SortFunc(all, func(a, b check) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// withIDs puts a number in place of each parameter of a path.
func withIDs(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, "{") {
			parts[i] = "1"
		}
	}
	return strings.Join(parts, "/")
}

// askShape sends a request and holds the answer to what the document says of its status.
func (s *server) askShape(
	ctx context.Context, r request, change func(r *request), documented responses, shared map[string]*schema,
) error {
	change(&r)
	got, err := s.send(ctx, r)
	if err != nil {
		return err
	}
	return quoting(documented.check(got, shared), got)
}
