package gqlhttp

import (
	"context"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/internal/apperr"
)

const allowedMethods = "GET, POST, OPTIONS"

// transport answers GET and POST as the GraphQL-over-HTTP specification asks.
// gqlgen's own transports fail it in seven points, echo the request body in
// errors and know neither a body limit nor the weights of an Accept header.
type transport struct {
	maxBody   int64
	presenter presenter
}

// Supports takes whatever the transports before it left, so that every request
// gets a GraphQL answer.
func (transport) Supports(*http.Request) bool { return true }

// Do answers one request. Answers hold personal data, so none may be cached.
func (t transport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	w.Header().Set("Cache-Control", "no-store")
	out := answer{w: w, mediaType: negotiate(r.Header), count: t.presenter.count}
	defer t.recover(r.Context(), out)
	if r.Method == http.MethodOptions {
		w.Header().Set("Allow", allowedMethods)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	params, refused := t.read(w, r)
	if out.mediaType == "" {
		refused = notAcceptable()
	}
	if refused != nil {
		out.refuse(refused)
		return
	}
	start(r, params)
	run(r, params, exec, out)
}

func (t transport) recover(ctx context.Context, out answer) {
	switch value := recover(); value {
	case nil:
	case http.ErrAbortHandler:
		panic(value)
	default:
		presented := t.presenter.present(ctx, t.presenter.recovered(ctx, value))
		out.write(http.StatusInternalServerError, &graphql.Response{Errors: gqlerror.List{presented}})
	}
}

func (t transport) read(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *refusal) {
	switch r.Method {
	case http.MethodGet:
		return readURL(r)
	case http.MethodPost:
		return readBody(w, r, t.maxBody)
	}
	return nil, methodNotAllowed(allowedMethods, "")
}

// start fills in what gqlgen wants to know of the request itself.
func start(r *http.Request, params *graphql.RawParams) {
	params.Headers = r.Header
	params.ReadTime = graphql.TraceTiming{Start: graphql.GetStartTime(r.Context()), End: graphql.Now()}
}

func run(r *http.Request, params *graphql.RawParams, exec graphql.GraphExecutor, out answer) {
	ctx := r.Context()
	operation, errs := exec.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		out.respond(exec.DispatchError(graphql.WithOperationContext(ctx, operation), errs))
		return
	}
	if refused := checkKind(r.Method, operation.Operation.Operation); refused != nil {
		out.refuse(refused)
		return
	}
	responses, ctx := exec.DispatchOperation(ctx, operation)
	if response := responses(ctx); response != nil {
		out.respond(response)
		return
	}
	// The request ended while it was answered; nobody is likely to read this.
	out.refuse(refusalOf(apperr.Internal.New()))
}

// checkKind keeps GET free of effects and sends subscriptions to the transports
// that can stream.
func checkKind(method string, kind ast.Operation) *refusal {
	switch {
	case kind == ast.Query:
		return nil
	case method == http.MethodGet:
		return methodNotAllowed(http.MethodPost, "GET serves queries alone.")
	case kind == ast.Subscription:
		return badRequest("A subscription needs a transport that streams, as WebSocket.")
	}
	return nil
}
