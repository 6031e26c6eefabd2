package gqlhttp

import (
	"context"
	"mime"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/internal/apperr"
)

const allowedMethods = "GET, POST, OPTIONS"

// Stream is a way to answer an operation in parts, under a media type that a client has
// to name in its Accept header. It answers subscriptions, and whatever is asked for by a
// client that accepts no JSON.
type Stream struct {
	// MediaType is in lower case. Where Parameter is set, the client has to give it this
	// Value.
	MediaType, Parameter, Value string
	// Serve answers an operation that was read from the request, or refuses it for the
	// errs that were found in it.
	Serve func(
		w http.ResponseWriter, r *http.Request, executor graphql.GraphExecutor,
		operation *graphql.OperationContext, errs gqlerror.List,
	)
}

// transport serves GET and POST by the GraphQL-over-HTTP specification. gqlgen's own
// transports fail 6 of the 61 audits of the reference implementation, repeat the body of
// the request in errors, limit no body and ignore the weights of an Accept header. It can
// go when they pass and have limits; the test TestAudits runs the audits on it.
type transport struct {
	maxBody        int64
	bodies         knownBodies
	preflightedGET bool
	streams        []Stream
	presenter      presenter
	answer         func(w http.ResponseWriter, r *http.Request, status int, body []byte)
	// setHeader is Config.SetHeader.
	setHeader func(operation *graphql.OperationContext, header http.Header)
}

// Supports takes every request that the transports before it left, so that each gets a
// GraphQL response.
func (transport) Supports(*http.Request) bool { return true }

// Do serves one request. Responses hold personal data, so no cache may keep them.
func (t transport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	w.Header().Set("Cache-Control", "no-store")
	out := responder{w: w, request: r, answer: t.answer, mediaType: negotiate(r.Header), count: t.presenter.count}
	defer t.recover(r.Context(), out)
	if r.Method == http.MethodOptions {
		w.Header().Set("Allow", allowedMethods)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	stream := negotiateStream(r.Header, t.streams)
	params, refused := t.read(w, r)
	if out.mediaType == "" && stream == nil {
		refused = notAcceptable()
	}
	if refused != nil {
		out.refuse(refused)
		return
	}
	params.Headers = r.Header
	params.ReadTime = graphql.TraceTiming{Start: graphql.GetStartTime(r.Context()), End: graphql.Now()}
	operation, errs := exec.CreateOperationContext(r.Context(), params)
	if stream != nil && (out.mediaType == "" || isSubscription(operation)) {
		if refused := checkStreamed(r.Method, operation); refused != nil {
			out.refuse(refused)
			return
		}
		stream.Serve(w, r, exec, operation, errs)
		return
	}
	t.execute(r, exec, operation, errs, out)
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
		if t.preflightedGET && !isPreflighted(r.Header) {
			return nil, badRequest("A GET needs one of the headers Authorization, x-access-token, Apollo-Require-Preflight " +
				"and X-Apollo-Operation-Name, or the Content-Type application/json.")
		}
		return readURL(r)
	case http.MethodPost:
		return t.readBody(w, r)
	}
	return nil, methodNotAllowed(allowedMethods, "")
}

// isPreflighted reports whether a browser that sends the headers for a page of another
// origin has asked for leave first. The names are the server's own for a token, and those
// that Apollo's clients and servers agreed on.
func isPreflighted(header http.Header) bool {
	for _, name := range []string{"Authorization", "X-Access-Token", "Apollo-Require-Preflight", "X-Apollo-Operation-Name"} {
		if header.Get(name) != "" {
			return true
		}
	}
	mediaType, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && mediaType == applicationJSON
}

func (t transport) execute(
	r *http.Request, exec graphql.GraphExecutor, operation *graphql.OperationContext, errs gqlerror.List, out responder,
) {
	ctx := r.Context()
	if len(errs) > 0 {
		out.respond(exec.DispatchError(graphql.WithOperationContext(ctx, operation), errs))
		return
	}
	if refused := checkAnsweredWhole(r.Method, operation); refused != nil {
		out.refuse(refused)
		return
	}
	responses, ctx := exec.DispatchOperation(ctx, operation)
	if response := responses(ctx); response != nil {
		t.setHeader(operation, out.w.Header())
		out.respond(response)
		return
	}
	// There is no response only if the context of the request ended meanwhile, and then the
	// client has probably hung up: nobody gets that error, so it doesn't count.
	out.count = func(string) {}
	out.refuse(refusalOf(apperr.Internal.New()))
}

// isSubscription is false for a document that isn't valid, whose operation is not known.
func isSubscription(operation *graphql.OperationContext) bool {
	return operation.Operation != nil && operation.Operation.Operation == ast.Subscription
}

// checkAnsweredWhole refuses what can't be answered in one piece.
func checkAnsweredWhole(method string, operation *graphql.OperationContext) *refusal {
	if isSubscription(operation) {
		return badRequest("A subscription needs a transport that streams: WebSocket, or an Accept that names text/event-stream.")
	}
	return checkStreamed(method, operation)
}

// checkStreamed refuses mutations by GET, because links and caches may repeat a GET, and
// pages of other sites can send one.
func checkStreamed(method string, operation *graphql.OperationContext) *refusal {
	if method == http.MethodGet && operation.Operation != nil && operation.Operation.Operation == ast.Mutation {
		return methodNotAllowed(http.MethodPost, "GET serves no mutations.")
	}
	return nil
}
