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

// documentIDExtension is where the parameter documentId waits among the extensions of a
// request: graphql.RawParams, which all transports hand to the executor, has no member for
// it. What a client sends as an extension of that name is never a documentID.
const documentIDExtension = "documentId"

// documentID is the parameter documentId of GraphQL over HTTP.
type documentID string

// withDocumentID adds the parameter, unless it is empty, to the extensions of a request.
func withDocumentID(params *graphql.RawParams, id string) *graphql.RawParams {
	if id == "" {
		return params
	}
	if params.Extensions == nil {
		params.Extensions = map[string]any{}
	}
	params.Extensions[documentIDExtension] = documentID(id)
	return params
}

func documentIDOf(params *graphql.RawParams) (id documentID, given bool) {
	id, given = params.Extensions[documentIDExtension].(documentID)
	return id, given
}

// persistedQueries fills in the text of a document that a request names instead: by the
// parameter documentId of GraphQL over HTTP, or by the extension of Apollo's persisted
// queries. The texts are those of the manifests and, unless these are enforced, those that
// Apollo's clients send with their hash once the server does not know it.
type persistedQueries struct {
	trusted *TrustedDocuments
	texts   *textCache[string]
}

// ExtensionName implements graphql.HandlerExtension.
func (persistedQueries) ExtensionName() string { return "PersistedQueries" }

// Validate implements graphql.HandlerExtension.
func (persistedQueries) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters fills in the text.
func (p persistedQueries) MutateOperationParameters(
	ctx context.Context, params *graphql.RawParams,
) *gqlerror.Error {
	if id, given := documentIDOf(params); given {
		return p.fillIn(params, id)
	}
	if extension := params.Extensions["persistedQuery"]; extension != nil {
		return p.fillInOrKeep(ctx, params, extension)
	}
	return nil
}

// fillIn takes a documentId, which only a manifest can have given a document.
func (p persistedQueries) fillIn(params *graphql.RawParams, id documentID) *gqlerror.Error {
	if params.Query != "" || params.Extensions["persistedQuery"] != nil {
		return invalidInput("documentId", "It stands in the place of a query and of extensions.persistedQuery.")
	}
	text, known := p.trusted.text(strings.TrimPrefix(string(id), "sha256:"))
	if !known {
		return documentNotFound()
	}
	params.Query = text
	if len(params.Extensions) == 1 {
		params.Extensions = nil // a subscription would keep them
	}
	return nil
}

// fillInOrKeep takes Apollo's extension: it fills in the text for a known hash, and keeps a
// text that comes with its hash.
func (p persistedQueries) fillInOrKeep(ctx context.Context, params *graphql.RawParams, extension any) *gqlerror.Error {
	members, _ := extension.(map[string]any)
	version, _ := members["version"].(json.Number)
	id, _ := members["sha256Hash"].(string)
	hash := strings.ToLower(id)
	if params.Query == "" && version == "1" {
		// A manifest may give ids that are no hashes, which its app then sends as one.
		text, known := p.trusted.text(id)
		if !known {
			text, known = p.trusted.text(hash)
		}
		switch {
		case known:
			params.Query = text
			return nil
		case p.trusted.enforces():
			return documentNotFound()
		}
	}
	if version != "1" || len(hash) != hex.EncodedLen(sha256.Size) {
		return invalidInput("extensions.persistedQuery", "It needs version 1 and the sha256Hash of the query in hex.")
	}
	if params.Query == "" {
		text, known := p.texts.Get(ctx, hash)
		if !known {
			notFound := gqlerror.Errorf("PersistedQueryNotFound")
			errcode.Set(notFound, codePersistedQueryNotFound)
			return notFound
		}
		params.Query = text
		return nil
	}
	// The hash is checked here, or a client could store another text under the hash of a
	// query that others will ask for.
	sum := sha256.Sum256([]byte(params.Query))
	if hex.EncodeToString(sum[:]) != hash {
		return invalidInput("extensions.persistedQuery.sha256Hash", "It is not the hash of the query.")
	}
	if !p.trusted.enforces() && !p.trusted.Has(params.Query) {
		p.texts.add(hash, params.Query, len(params.Query))
	}
	return nil
}
