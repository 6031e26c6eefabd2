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

// codePersistedQueryNotFound is the code at which Apollo's clients send the text of the
// query. They read it only from a response with a 2xx status.
const codePersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND"

// persistedQueries implements Apollo's automatic persisted queries: a client sends the
// hash of a query, and its text only if the server does not know the hash.
type persistedQueries struct{ texts *textCache[string] }

// ExtensionName implements graphql.HandlerExtension.
func (persistedQueries) ExtensionName() string { return "PersistedQueries" }

// Validate implements graphql.HandlerExtension.
func (persistedQueries) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters fills in the text for a known hash, and remembers a text
// that comes with its hash.
func (p persistedQueries) MutateOperationParameters(
	ctx context.Context, params *graphql.RawParams,
) *gqlerror.Error {
	extension := params.Extensions["persistedQuery"]
	if extension == nil {
		return nil
	}
	hash, ok := persistedHash(extension)
	if !ok {
		return invalidInput("extensions.persistedQuery", "It needs version 1 and the sha256Hash of the query in hex.")
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
	// The hash is checked here, or a client could store another text under the hash of a
	// query that others will ask for.
	sum := sha256.Sum256([]byte(params.Query))
	if hex.EncodeToString(sum[:]) != hash {
		return invalidInput("extensions.persistedQuery.sha256Hash", "It is not the hash of the query.")
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
