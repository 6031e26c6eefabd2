package gqlstream

import (
	"context"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/internal/apperr"
	"luxbff/server/gqlhttp"
)

// streamFormat is how one of the two HTTP protocols writes its stream. The framing
// is a function of the payload and no prefix or suffix, because SSE ends each event
// with a blank line and multipart each part with the next boundary.
type streamFormat struct {
	name, contentType string
	// opening follows the header, heartbeat shows that the server is there, and
	// completion ends the stream.
	opening, heartbeat, completion string
	// next frames a response with its cursor, which may be empty.
	next func(cursor string, payload []byte) []byte
	// failure frames the errors that end a running stream.
	failure func(payload []byte) []byte
	// retry frames the advice to come back when the server stops.
	retry func(after time.Duration) []byte
}

// protocol is one of the two: one operation a request, answered in parts for as long as
// it has responses.
type protocol struct {
	cfg    Config
	format streamFormat
}

// serve answers with a stream. A server that stops refuses it with 503. All else, a
// missing right too, is sent within the stream.
func (p protocol) serve(
	w http.ResponseWriter, r *http.Request, executor graphql.GraphExecutor,
	operation *graphql.OperationContext, errs gqlerror.List,
) {
	if p.cfg.Registry.Draining() {
		w.Header().Set("Retry-After", "5")
		RefuseRequest(w, http.StatusServiceUnavailable, "")
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	s := &stream{
		execution: Execution{Executor: executor, Context: ctx},
		protocol:  p, writer: w, controller: http.NewResponseController(w), multiplexed: r.ProtoMajor >= 2,
		cancel: cancel, reason: make(chan CloseReason, 1),
	}
	p.cfg.Registry.Add(s)
	defer p.cfg.Registry.Remove(s)
	defer s.execution.Close()
	s.serve(r, operation, errs) //nolint:contextcheck // the operation's context is the stream's
}

// stream is one such answer. Only the handler's goroutine writes it.
type stream struct {
	execution  Execution
	protocol   protocol
	writer     http.ResponseWriter
	controller *http.ResponseController
	// multiplexed is true over HTTP/2, where a connection carries other streams as well.
	multiplexed bool
	cancel      context.CancelFunc
	reason      chan CloseReason // why the registry closes the stream
	expiresAt   time.Time
}

var _ Connection = (*stream)(nil)

// Close implements [Connection].
func (s *stream) Close(reason CloseReason) {
	select {
	case s.reason <- reason:
	default: // it is being closed already
	}
}

// Stats implements [Connection].
func (s *stream) Stats() (protocol string, stats Stats) {
	return s.protocol.format.name, Stats{Connections: 1}
}

// Abort implements [Connection].
func (s *stream) Abort() {
	s.cancel()
	_ = s.controller.SetWriteDeadline(Deadline(0)) // where it isn't supported, the context alone ends the stream
}

// serve starts the operation, answers, and follows it to its end.
func (s *stream) serve(r *http.Request, operation *graphql.OperationContext, errs gqlerror.List) {
	refused := s.start(r, operation, errs)
	// The header is written after the start: by it the client knows that its
	// subscription has its start point, so that it misses no event from here on.
	if !s.writeHeader() {
		return
	}
	if refused != nil {
		s.writeRefusal(refused)
		return
	}
	s.writeLoop()
}

// start admits the client and starts the operation, or gives the response that
// refuses one of them.
//
// Only a subscription needs a right to connect. A query or a mutation of a client that
// has none is executed in the context of its request, as it is where the answer is JSON:
// each field says for itself who may ask for it, and signing in needs no token.
func (s *stream) start(
	r *http.Request, operation *graphql.OperationContext, errs gqlerror.List,
) *graphql.Response {
	check, subscribes := s.protocol.cfg.Operation, isSubscription(operation)
	session, err := s.protocol.cfg.Init(s.execution.Context, nil, r)
	if err == nil && !subscribes {
		err = session.check(s.execution.Context, check)
	}
	switch {
	case err != nil && subscribes:
		return s.execution.ErrorResponse(err)
	case err != nil:
		return s.execution.StartRead(nil, operation, errs)
	case !s.admit(session):
		if err := session.check(s.execution.Context, check); err != nil {
			return s.execution.ErrorResponse(err)
		}
		return s.execution.ErrorResponse(apperr.TooManyRequests.New())
	}
	return s.execution.StartRead(check, operation, errs)
}

// isSubscription is false for a document that isn't valid, whose operation is not known.
func isSubscription(operation *graphql.OperationContext) bool {
	return operation.Operation != nil && operation.Operation.Operation == ast.Subscription
}

// admit is false where the session has too many connections.
func (s *stream) admit(session Session) bool {
	if session.Context != nil {
		ctx, cancel := context.WithCancel(session.Context)
		context.AfterFunc(s.execution.Context, cancel)
		s.execution.Context = ctx
	}
	s.expiresAt = session.ExpiresAt
	return session.Admit(s)
}

// writeLoop writes responses and heartbeats until the operation, the token, the
// client or the server ends.
func (s *stream) writeLoop() {
	defer s.cancel()
	ended := make(chan error, 1)
	responses := s.fetchResponses(ended)
	heartbeat := time.NewTicker(s.protocol.cfg.PingInterval)
	defer heartbeat.Stop()
	expiry := s.expiryTimer()
	reasons := s.reason
	var end CloseReason
	var noAnswer <-chan time.Time
	for {
		select {
		case response, ok := <-responses:
			if !ok {
				s.writeEnd(<-ended)
				return
			}
			if !s.writeResponse(response) {
				return
			}
		case end = <-reasons:
			if s.execution.IsSubscription() {
				s.writeReason(end)
				return
			}
			// A mutation may be the reason itself, so its answer comes first.
			reasons, noAnswer = nil, time.After(s.protocol.cfg.AnswerTimeout)
		case <-expiry:
			if expiry = s.expiryTimer(); s.expired() {
				s.Close(ReasonFor(apperr.TokenIsExpired.New()))
				expiry = nil
			}
		case <-noAnswer:
			s.writeReason(end)
			return
		case <-heartbeat.C:
			if !s.write([]byte(s.protocol.format.heartbeat)) {
				return
			}
		case <-s.execution.Context.Done():
			return
		}
	}
}

// cursorResponse is a response with the cursor of its value.
type cursorResponse struct {
	*graphql.Response
	cursor string
}

// fetchResponses calls the executor on a goroutine of its own, because that may
// wait for the next response while the write loop has heartbeats to write. The
// error that ends the operation is sent before the channel is closed.
func (s *stream) fetchResponses(end chan<- error) <-chan cursorResponse {
	responses := make(chan cursorResponse)
	go func() {
		defer close(responses)
		defer func() {
			if cause := recover(); cause != nil {
				end <- LogPanic(s.protocol.cfg.Logger, cause)
			}
		}()
		for {
			response, delivery := s.execution.Next()
			if response == nil {
				end <- s.execution.Err()
				return
			}
			select {
			case responses <- cursorResponse{response, delivery.Cursor}:
			case <-s.execution.Context.Done():
			}
		}
	}()
	return responses
}

// expiryTimer fires when the token ends, never for one without an end. It looks at
// least once in a ping interval, so that a clock that was moved is noticed.
func (s *stream) expiryTimer() <-chan time.Time {
	if s.expiresAt.IsZero() {
		return nil
	}
	left := s.expiresAt.Sub(s.protocol.cfg.Clock())
	return time.After(min(max(left, time.Millisecond), s.protocol.cfg.PingInterval))
}

func (s *stream) expired() bool { return !s.protocol.cfg.Clock().Before(s.expiresAt) }

// writeHeader sends the header and what opens the stream. It is false when the
// client is gone.
func (s *stream) writeHeader() bool {
	_ = s.controller.SetReadDeadline(time.Time{}) // the server's deadlines are for short requests
	header := s.writer.Header()
	header.Set("Content-Type", s.protocol.format.contentType)
	// A proxy that compresses an answer holds events back until it has enough of them, and
	// nginx does so until its buffer is full.
	header.Set("Cache-Control", "no-store, no-transform")
	header.Set("X-Accel-Buffering", "no")
	s.writer.WriteHeader(http.StatusOK)
	return s.write([]byte(s.protocol.format.opening))
}

// write is false when the client is gone, or doesn't read.
func (s *stream) write(data []byte) bool {
	_ = s.controller.SetWriteDeadline(Deadline(s.protocol.cfg.WriteTimeout))
	if _, err := s.writer.Write(data); err != nil || s.controller.Flush() != nil {
		return false
	}
	if s.multiplexed {
		// Over HTTP/2 a deadline ends the stream when it passes, also while nothing waits.
		_ = s.controller.SetWriteDeadline(time.Time{})
	}
	return true
}

func (s *stream) writeResponse(r cursorResponse) bool {
	payload, err := EncodeResponse(r.Response)
	if err != nil {
		s.protocol.cfg.Logger.Error("response can't be encoded", "error", err)
		return false
	}
	return s.write(s.protocol.format.next(r.cursor, payload))
}

// writeRefusal writes the errors of an operation that was not started, which have
// the form of a response, and completes the stream.
func (s *stream) writeRefusal(response *graphql.Response) {
	if s.write(s.protocol.format.next("", gqlhttp.EncodeErrors(response.Errors))) {
		s.write([]byte(s.protocol.format.completion))
	}
}

// writeEnd completes a stream whose operation has ended, with an error or without.
func (s *stream) writeEnd(err error) {
	if err != nil && !s.write(s.protocol.format.failure(gqlhttp.EncodeErrors(s.execution.ErrorResponse(err).Errors))) {
		return
	}
	s.write([]byte(s.protocol.format.completion))
}

// writeReason ends a stream whose operation would go on.
func (s *stream) writeReason(reason CloseReason) {
	if reason.Err != nil {
		s.writeEnd(reason.Err)
		return
	}
	s.write(s.protocol.format.retry(reason.RetryAfter))
}
