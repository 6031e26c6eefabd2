// Package gqlhttp serves GraphQL over HTTP: one transport for GET and POST that
// follows the GraphQL-over-HTTP specification, the limits every operation is
// held to whatever transport brought it, and the one table that turns errors
// into GraphQL errors. It imports gqlgen and internal/fault, and neither the
// schema, nor the domain, nor storage.
package gqlhttp

import (
	"log/slog"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/ast"
)

// What a Config that leaves a limit at zero gets.
const (
	DefaultMaxBody       = 1 << 20 // bytes
	DefaultMaxComplexity = 5_000
	DefaultMaxDepth      = 12
	DefaultMaxSelections = 500
	// DefaultMaxTokens has room for an upload of 1,000 devlogs written as
	// literals: 26 tokens each.
	DefaultMaxTokens = 30_000
)

const (
	cachedDocuments       = 1_000
	cachedDocumentBytes   = 2 << 20 // of query text; the parsed form is some ten times that
	largestCachedDocument = 16 << 10
)

// Config says what New assembles. A zero limit stands for its default.
type Config struct {
	// Transports are asked in their order before the one of this package, which
	// takes every request that they leave.
	Transports []graphql.Transport
	// Extensions run after the limits of this package, in their order.
	Extensions []graphql.HandlerExtension

	// MaxBody is the largest request body in bytes.
	MaxBody int64
	// MaxComplexity is the largest cost of one operation: a field costs 1 unless
	// the schema's complexity functions say otherwise.
	MaxComplexity int
	// MaxDepth is how deep selections may nest, introspection aside.
	MaxDepth int
	// MaxSelections is the largest number of fields and fragments written in one
	// document. The time that validation takes rises with its square.
	MaxSelections int
	// MaxTokens is the largest number of tokens of one document.
	MaxTokens int

	// Introspection lets clients read the schema.
	Introspection bool
	// Suggestions lets validation errors name fields, arguments and types that
	// the client may have meant.
	Suggestions bool

	// CountError is told the code of each error that a client is told, whatever the
	// transport; nil counts nothing.
	CountError func(code string)
	// Logger gets the cause of every INTERNAL error; slog.Default where nil.
	Logger *slog.Logger
}

// New assembles the GraphQL server of schema.
func New(schema graphql.ExecutableSchema, config Config) *handler.Server {
	config = config.withDefaults()
	present := presenter{log: config.Logger, count: config.CountError}
	server := handler.New(schema)
	for _, own := range config.Transports {
		server.AddTransport(own)
	}
	server.AddTransport(transport{maxBody: config.MaxBody, presenter: present})

	server.SetErrorPresenter(present.present)
	server.SetRecoverFunc(present.recovered)
	documents := newTextCache[*ast.QueryDocument](cachedDocuments, cachedDocumentBytes)
	server.SetQueryCache(documents)
	server.SetParserTokenLimit(config.MaxTokens)
	server.SetDisableSuggestion(!config.Suggestions)
	server.SetValidationRulesFn(validationRules(config))

	server.Use(persistedQueries{texts: newTextCache[string](cachedDocuments, cachedDocumentBytes)})
	server.Use(documentLimits{
		passed: documents, maxTokens: config.MaxTokens,
		maxSelections: config.MaxSelections, maxDepth: config.MaxDepth,
	})
	server.Use(errorLimit{})
	server.Use(&oneOf{})
	server.Use(&complexityLimit{limit: config.MaxComplexity})
	if config.Introspection {
		server.Use(extension.Introspection{})
	}
	for _, own := range config.Extensions {
		server.Use(own)
	}
	return server
}

func (c Config) withDefaults() Config {
	if c.MaxBody == 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.MaxComplexity == 0 {
		c.MaxComplexity = DefaultMaxComplexity
	}
	if c.MaxDepth == 0 {
		c.MaxDepth = DefaultMaxDepth
	}
	if c.MaxSelections == 0 {
		c.MaxSelections = DefaultMaxSelections
	}
	if c.MaxTokens == 0 {
		c.MaxTokens = DefaultMaxTokens
	}
	if c.CountError == nil {
		c.CountError = func(string) {}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}
