package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/graph"
	"luxbff/internal/store/admin"
	"luxbff/server/gqlhttp"
	"luxbff/server/manifest"
	"luxbff/server/metrics"
)

func (c Config) logsDocuments() bool { return c.DocumentsMode == "log" }

func (c Config) enforcesDocuments() bool { return c.DocumentsMode == "enforce" }

// documentPaths are the files and folders of TRUSTED_DOCUMENTS.
func (c Config) documentPaths() (paths []string) {
	for path := range strings.SplitSeq(c.Documents, ",") {
		if path = strings.TrimSpace(path); path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

// readDocuments reads TRUSTED_DOCUMENTS. The error names the file, the document and what is
// wrong with it.
func (c Config) readDocuments() (*gqlhttp.TrustedSet, error) {
	documents, err := manifest.Read(c.documentPaths())
	if err != nil {
		return nil, fmt.Errorf("TRUSTED_DOCUMENTS: %w", err)
	}
	set, err := gqlhttp.CompileTrusted(graph.Schema(nil).Schema(), c.documentRules(), documents)
	if err != nil {
		return nil, fmt.Errorf("TRUSTED_DOCUMENTS: %w", err)
	}
	return set, nil
}

// trustDocuments reads the manifests for the first time. Without the setting nothing is
// trusted, and nothing has to be.
func (a *App) trustDocuments(ctx context.Context) error {
	if a.Config.Documents == "" {
		return nil
	}
	set, err := a.Config.readDocuments()
	if err != nil {
		return err
	}
	a.documentLog = &documentLog{log: a.options.Log, metrics: a.metrics, seen: map[[sha256.Size]byte]bool{}}
	a.trusted = &gqlhttp.TrustedDocuments{Enforce: a.Config.enforcesDocuments(), Refused: a.documentLog.refused}
	a.trusted.Replace(set)
	a.options.Log.InfoContext(ctx, "documents of the apps", "documents", set.Len(), "mode", a.Config.DocumentsMode)
	return nil
}

// ReloadDocuments reads the manifests again. If anything is wrong with them, those of before
// stay. Operations that run, as subscriptions, go on in either case.
func (a *App) ReloadDocuments(ctx context.Context) error {
	set, err := a.Config.readDocuments()
	if err != nil {
		return err
	}
	a.trusted.Replace(set)
	a.options.Log.InfoContext(ctx, "documents of the apps are read again", "documents", set.Len(), "mode", a.Config.DocumentsMode)
	return nil
}

// examineDocuments reads the manifests as a start does.
func (c Config) examineDocuments() admin.Finding {
	set, err := c.readDocuments()
	if err != nil {
		return admin.Finding{Check: "documents", Detail: strings.ReplaceAll(err.Error(), "\n", "; "), Severity: admin.Wrong}
	}
	others := map[string]string{"off": "run", "log": "run, and are logged", "enforce": "are refused"}[c.DocumentsMode]
	return admin.Finding{Check: "documents", Detail: fmt.Sprintf("%d of the apps; others %s", set.Len(), others)}
}

// mostLoggedDocuments bounds the log and the memory: whoever may send any document can make
// up as many as he likes.
const mostLoggedDocuments = 1_000

// documentLog counts the documents that no manifest holds, and logs each once: by its hash,
// which `sha256sum` gives of a text that is suspected, and never by its text.
type documentLog struct {
	log     *slog.Logger
	metrics *metrics.Metrics

	full atomic.Bool
	mu   sync.Mutex
	seen map[[sha256.Size]byte]bool
}

// add logs the document unless it was before. Once the log is full it computes no hash: texts
// may have a MiB.
func (l *documentLog) add(ctx context.Context, text string, outcome slog.Attr) {
	if l.full.Load() {
		return
	}
	hash := sha256.Sum256([]byte(text))
	l.mu.Lock()
	isNew := !l.seen[hash] && len(l.seen) < mostLoggedDocuments
	if isNew {
		l.seen[hash] = true
	}
	isLast := isNew && len(l.seen) == mostLoggedDocuments
	l.mu.Unlock()
	if isNew {
		l.log.LogAttrs(ctx, slog.LevelWarn, "a document that no manifest holds", slog.String("sha256", hex.EncodeToString(hash[:])), outcome)
	}
	if isLast {
		l.full.Store(true)
		l.log.LogAttrs(ctx, slog.LevelWarn, "further documents that no manifest holds are counted and not logged", slog.Int("logged", mostLoggedDocuments))
	}
}

// refused is for a document that was not parsed, and so has no name yet.
func (l *documentLog) refused(ctx context.Context, text string) {
	l.metrics.CountUntrustedDocument("refused")
	l.add(ctx, text, slog.Bool("refused", true))
}

// untrustedDocuments logs the operations of documents that no manifest holds, which run.
type untrustedDocuments struct {
	trusted *gqlhttp.TrustedDocuments
	log     *documentLog
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationInterceptor
} = untrustedDocuments{}

// ExtensionName implements graphql.HandlerExtension.
func (untrustedDocuments) ExtensionName() string { return "UntrustedDocuments" }

// Validate implements graphql.HandlerExtension.
func (untrustedDocuments) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation implements graphql.OperationInterceptor. Who asks decides under which
// name an operation is logged, and is known after its first response, or once a subscription
// has begun.
func (u untrustedDocuments) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	running := graphql.GetOperationContext(ctx)
	if u.trusted.Has(running.RawQuery) {
		return next(ctx)
	}
	u.log.metrics.CountUntrustedDocument("run")
	text, operation := running.RawQuery, running.Operation
	responses := next(ctx)
	if operation.Operation == ast.Subscription {
		u.log.add(ctx, text, slog.String("operation", operationName(ctx, operation)))
		return responses
	}
	return func(ctx context.Context) *graphql.Response {
		response := responses(ctx)
		if response != nil { // the transport asks until there is none
			u.log.add(ctx, text, slog.String("operation", operationName(ctx, operation)))
		}
		return response
	}
}
