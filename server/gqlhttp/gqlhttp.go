// Package gqlhttp serves GraphQL over HTTP. It holds a transport for GET and POST that
// follows the GraphQL-over-HTTP specification, the limits of every operation, whatever
// transport brought it, and the one place where errors become GraphQL errors. Streams are
// in server/gqlstream and sockets in server/gqlws.
//
// It serves any schema: it imports gqlgen and internal/apperr, and must import neither
// the schema nor the domain nor the storage.
package gqlhttp

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
)

// The limits of a [Config] that leaves them at zero.
const (
	DefaultMaxBody       = 1 << 20 // bytes
	DefaultMaxComplexity = 250_000
	DefaultMaxDepth      = 12
	DefaultMaxSelections = 500
	// DefaultMaxTokens leaves room for an upload of 1,000 devlogs that are written into
	// the document instead of variables: 26 tokens each.
	DefaultMaxTokens = 30_000
	// No document of an app comes near the next three; those that guess passwords or ask
	// for one list a hundred times do.
	DefaultMaxAliases        = 30
	DefaultMaxRootFields     = 30
	DefaultMaxRepeatedFields = 50
	// DefaultMaxAnswer is 80 times the largest answer to an app.
	DefaultMaxAnswer = 8 << 20 // bytes
)

const (
	cachedDocuments       = 1_000
	cachedDocumentBytes   = 2 << 20  // of query text; its parsed form takes about ten times as much
	largestCachedDocument = 16 << 10 // bytes of text
)

// Config is what [New] assembles a server of. A limit of zero stands for its default.
type Config struct {
	// Transports are asked in this order whether they serve a request. The transport of
	// this package takes every request that they do not.
	Transports []graphql.Transport
	// Streams answer subscriptions over HTTP to clients that accept them.
	Streams []Stream
	// Extensions run after the limits of this package, in their order.
	Extensions []graphql.HandlerExtension

	// Admit is asked before a document is looked at, whatever the transport, and its error
	// refuses the operation; nil admits every client.
	Admit func(ctx context.Context) error

	// MaxBody is the largest request body in bytes.
	MaxBody int64
	// MaxComplexity is the highest cost of one operation. A field costs 1 unless the
	// directives of the schema say otherwise, see [Costs].
	MaxComplexity int
	// MaxDepth is how deep selections may nest, not counting introspection.
	MaxDepth int
	// MaxSelections is the largest number of fields and fragments in one document. The
	// time of validation grows with its square: 170 KB of one field took a minute.
	MaxSelections int
	// MaxTokens is the largest number of tokens of one document.
	MaxTokens int
	// MaxAliases is how many aliases of one field an operation may have, MaxRootFields how
	// many root fields, and MaxRepeatedFields how often one field may stand in a selection
	// set. Fragments count in each of their spreads.
	MaxAliases, MaxRootFields, MaxRepeatedFields int
	// MaxAnswer is the size of the largest response in bytes, be it an event of a
	// subscription.
	MaxAnswer int
	// LimitData gives the executor of the schema the number of bytes after which it need
	// encode no more, in the context of a response. Nil stands for an executor that encodes
	// all: then a larger response is refused once its memory is spent.
	LimitData func(ctx context.Context, bytes *int) context.Context

	// SpendCost is called with the cost of each operation before it runs. Its error, one of
	// apperr, refuses the operation. Nil refuses none.
	SpendCost func(ctx context.Context, cost int) error
	// ReportCost completes extensions.cost of a response whose request asked for it.
	ReportCost func(ctx context.Context, report map[string]any)

	// Introspection allows clients to read the schema.
	Introspection bool
	// Suggestions allows validation errors to name fields, arguments and types that the
	// client may have meant, and to be as long as they are. With it the schema can be
	// guessed step by step.
	Suggestions bool

	// PreflightedGET serves a GET only with a header that no page of another origin sends
	// before its browser has asked for leave: a token, or one of those that say so.
	PreflightedGET bool

	// Write sends an answer that is no stream, whose headers are set, and may compress it;
	// nil sends it as it is.
	Write func(w http.ResponseWriter, r *http.Request, status int, body []byte)

	// SetHeader adds what an extension has to say of an operation to the header of its
	// answer, unless that is a stream; nil for nothing.
	SetHeader func(operation *graphql.OperationContext, header http.Header)

	// Trusted are the documents of the apps' manifests; nil for none.
	Trusted *TrustedDocuments

	// CountError is called with the code of each error that is sent, whatever the
	// transport; nil counts nothing.
	CountError func(code string)
	// Logger gets the cause of every INTERNAL error; nil stands for slog.Default.
	Logger *slog.Logger
}

// New assembles the GraphQL server of a schema.
func New(schema graphql.ExecutableSchema, config Config) *handler.Server {
	config = config.withDefaults()
	present := presenter{log: config.Logger, count: config.CountError}
	server := handler.New(schema)
	for _, before := range config.Transports {
		server.AddTransport(before)
	}
	server.AddTransport(transport{
		maxBody: config.MaxBody, bodies: knownBodies{newTextCache[graphql.RawParams](cachedDocuments, cachedDocumentBytes)},
		preflightedGET: config.PreflightedGET, streams: config.Streams, presenter: present, answer: config.Write,
		setHeader: config.SetHeader,
	})

	server.SetErrorPresenter(present.present)
	server.SetRecoverFunc(present.recovered)
	server.SetQueryCache(preparedDocument{})
	server.SetParserTokenLimit(config.MaxTokens)
	server.SetDisableSuggestion(!config.Suggestions)
	server.SetValidationRulesFn(validationRules(config))

	if config.Admit != nil {
		server.Use(admission{config.Admit})
	}
	server.Use(persistedQueries{config.Trusted, newTextCache[string](cachedDocuments, cachedDocumentBytes)})
	server.Use(newDocuments(config))
	server.Use(errorLimit{brief: !config.Suggestions})
	server.Use(&complexityLimit{limit: config.MaxComplexity, spend: config.SpendCost, report: config.ReportCost})
	if config.Introspection {
		server.Use(extension.Introspection{})
	}
	for _, after := range config.Extensions {
		server.Use(after)
	}
	// Last, so that the extensions see what is answered in place of too much.
	server.Use(answerLimit{&config.MaxAnswer, config.LimitData, config.CountError})
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
	if c.MaxAliases == 0 {
		c.MaxAliases = DefaultMaxAliases
	}
	if c.MaxRootFields == 0 {
		c.MaxRootFields = DefaultMaxRootFields
	}
	if c.MaxRepeatedFields == 0 {
		c.MaxRepeatedFields = DefaultMaxRepeatedFields
	}
	if c.MaxAnswer == 0 {
		c.MaxAnswer = DefaultMaxAnswer
	}
	if c.LimitData == nil {
		c.LimitData = func(ctx context.Context, _ *int) context.Context { return ctx }
	}
	if c.Write == nil {
		c.Write = writePlain
	}
	if c.SetHeader == nil {
		c.SetHeader = func(*graphql.OperationContext, http.Header) {}
	}
	if c.CountError == nil {
		c.CountError = func(string) {}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}
