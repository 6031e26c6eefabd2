package gqlhttp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// codePersistedQueryNotFound is what Apollo's clients look for before they send
// the text; they read it only from an answer with a 2xx status.
const codePersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND"

// persistedQueries is Apollo's automatic persisted queries: a client sends the
// hash of a query, and its text only when the server does not know it.
type persistedQueries struct{ texts *textCache[string] }

// ExtensionName implements graphql.HandlerExtension.
func (persistedQueries) ExtensionName() string { return "PersistedQueries" }

// Validate implements graphql.HandlerExtension.
func (persistedQueries) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters puts the text in place of its hash.
func (p persistedQueries) MutateOperationParameters(
	ctx context.Context, params *graphql.RawParams,
) *gqlerror.Error {
	asked := params.Extensions["persistedQuery"]
	if asked == nil {
		return nil
	}
	hash, ok := persistedHash(asked)
	if !ok {
		return invalid("extensions.persistedQuery", "It needs version 1 and the sha256Hash of the query in hex.")
	}
	if params.Query == "" {
		params.Query, ok = p.texts.Get(ctx, hash)
		if !ok {
			notFound := gqlerror.Errorf("PersistedQueryNotFound")
			errcode.Set(notFound, codePersistedQueryNotFound)
			return notFound
		}
		return nil
	}
	sum := sha256.Sum256([]byte(params.Query))
	if hex.EncodeToString(sum[:]) != hash {
		return invalid("extensions.persistedQuery.sha256Hash", "It is not the hash of the query.")
	}
	p.texts.add(hash, params.Query, len(params.Query))
	return nil
}

func persistedHash(extension any) (hash string, ok bool) {
	members, _ := extension.(map[string]any)
	version, _ := members["version"].(json.Number)
	hash, _ = members["sha256Hash"].(string)
	return strings.ToLower(hash), version == "1" && len(hash) == hex.EncodedLen(sha256.Size)
}
