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

// transport serves GET and POST by the GraphQL-over-HTTP specification. gqlgen's own
// transports fail 6 of the 61 audits of the reference implementation, repeat the body of
// the request in errors, limit no body and ignore the weights of an Accept header. It can
// go when they pass and have limits; the test TestAudits runs the audits on it.
type transport struct {
	maxBody   int64
	presenter presenter
}

// Supports takes every request that the transports before it left, so that each gets a
// GraphQL response.
func (transport) Supports(*http.Request) bool { return true }

// Do serves one request. Responses hold personal data, so no cache may keep them.
func (t transport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	w.Header().Set("Cache-Control", "no-store")
	out := responder{w: w, mediaType: negotiate(r.Header), count: t.presenter.count}
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
	params.Headers = r.Header
	params.ReadTime = graphql.TraceTiming{Start: graphql.GetStartTime(r.Context()), End: graphql.Now()}
	execute(r, params, exec, out)
}

// recover answers INTERNAL after a panic. http.ErrAbortHandler is how net/http is asked to
// close the connection, and is passed on.
func (t transport) recover(ctx context.Context, out responder) {
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

func execute(r *http.Request, params *graphql.RawParams, exec graphql.GraphExecutor, out responder) {
	ctx := r.Context()
	operation, errs := exec.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		out.respond(exec.DispatchError(graphql.WithOperationContext(ctx, operation), errs))
		return
	}
	if refused := checkOperation(r.Method, operation.Operation.Operation); refused != nil {
		out.refuse(refused)
		return
	}
	responses, ctx := exec.DispatchOperation(ctx, operation)
	if response := responses(ctx); response != nil {
		out.respond(response)
		return
	}
	// There is no response only if the context of the request ended meanwhile, and then the
	// client has probably hung up.
	out.refuse(refusalOf(apperr.Internal.New()))
}

// checkOperation refuses mutations by GET, because links and caches may repeat a GET, and
// subscriptions, which need a transport that streams.
func checkOperation(method string, kind ast.Operation) *refusal {
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
