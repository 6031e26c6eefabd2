package ws

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/internal/apperr"
)

// wire is how one of the two HTTP protocols writes its stream. All of it is
// said in functions of the payload, because the one ends its events with a
// blank line and the other each of its parts with the next boundary.
type wire struct {
	name        string
	contentType string
	open, beat  string
	// next frames a response with its mark, which may be empty, failed the errors
	// that end a running stream, and retry the advice to come back when the server
	// stops.
	next     func(mark string, payload []byte) []byte
	failed   func(payload []byte) []byte
	retry    func(after time.Duration) []byte
	complete string
}

// httpTransport is GraphQL over one of the two protocols: one operation a
// request, answered in parts for as long as it has responses.
type httpTransport struct {
	cfg    Config
	wire   wire
	accept func(header http.Header) bool
}

var _ graphql.Transport = httpTransport{}

// Supports reports whether r is a POST that accepts the protocol.
func (t httpTransport) Supports(r *http.Request) bool {
	return r.Method == http.MethodPost && t.accept(r.Header)
}

// Do answers with a stream. What comes before it is refused with a status: a
// body that can't be read 400 or 413, a server that stops 503. All else, a
// missing right too, is told within the stream.
func (t httpTransport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	params, status := t.read(w, r)
	if t.cfg.Registry.draining() {
		w.Header().Set("Retry-After", "5")
		status = http.StatusServiceUnavailable
	}
	if status != http.StatusOK {
		refuse(w, status)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	s := &stream{
		t: t, w: w, control: http.NewResponseController(w), cut: cancel, endings: make(chan ending, 1),
		execution: execution{exec: exec, ctx: ctx},
	}
	t.cfg.Registry.enter(s)
	defer t.cfg.Registry.exit(s)
	defer s.subscription.Close()
	s.run(r, params) //nolint:contextcheck // the operation's context is the stream's
}

func (t httpTransport) read(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, int) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(t.cfg.MessageLimit)))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, http.StatusRequestEntityTooLarge
	case err != nil || !json.Valid(body):
		return nil, http.StatusBadRequest
	}
	params, err := parameters(body)
	if err != nil {
		return nil, http.StatusBadRequest
	}
	params.Headers = r.Header
	return params, http.StatusOK
}

// stream is one such answer. Only the handler's goroutine writes it.
type stream struct {
	execution
	t       httpTransport
	w       http.ResponseWriter
	control *http.ResponseController
	cut     context.CancelFunc
	endings chan ending
	expires time.Time
}

func (s *stream) finish(e ending) {
	select {
	case s.endings <- e:
	default: // it is ending already
	}
}

func (s *stream) stats() (protocol string, one Stats) { return s.t.wire.name, Stats{Connections: 1} }

func (s *stream) abort() {
	s.cut()
	_ = s.control.SetWriteDeadline(deadline(0)) // one that isn't supported cuts nothing
}

// begin sends the header, by which the client knows that a subscription has its
// place: no event is missed from here on.
func (s *stream) begin() bool {
	_ = s.control.SetReadDeadline(time.Time{}) // the server's deadlines are for short requests
	header := s.w.Header()
	header.Set("Content-Type", s.t.wire.contentType)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	s.w.WriteHeader(http.StatusOK)
	return s.write([]byte(s.t.wire.open))
}

// write is false when the client is gone, or doesn't read.
func (s *stream) write(data []byte) bool {
	_ = s.control.SetWriteDeadline(deadline(s.t.cfg.WriteTimeout))
	if _, err := s.w.Write(data); err != nil {
		return false
	}
	return s.control.Flush() == nil
}

// run starts the operation, answers, and follows it to its end.
func (s *stream) run(r *http.Request, params *graphql.RawParams) {
	refused := s.open(r, params)
	switch {
	case !s.begin():
	case refused != nil:
		s.refuse(refused)
	default:
		s.follow()
	}
}

// open admits the client and starts the operation, or gives the response that
// refuses one of them.
func (s *stream) open(r *http.Request, params *graphql.RawParams) *graphql.Response {
	if err := s.admit(r); err != nil {
		return s.present(err)
	}
	return s.start(s.t.cfg.Operation, params, nil)
}

func (s *stream) admit(r *http.Request) error {
	base := s.ctx
	session, err := s.t.cfg.Init(base, nil, r)
	if err != nil {
		return err
	}
	if session.Context != nil {
		ctx, cancel := context.WithCancel(session.Context)
		context.AfterFunc(base, cancel)
		s.ctx = ctx
	}
	s.expires = session.ExpiresAt
	if !s.t.cfg.Registry.admit(s, keys{session.User, session.ID}) {
		return apperr.TooManyRequests.New()
	}
	return nil
}

// follow writes what comes: responses, heartbeats, and one ending.
func (s *stream) follow() {
	defer s.cut()
	last := make(chan error, 1)
	responses := s.pump(last)
	beat := time.NewTicker(s.t.cfg.PingInterval)
	defer beat.Stop()
	expiry := s.expiry()
	for {
		select {
		case response, ok := <-responses:
			if !ok {
				s.conclude(<-last)
				return
			}
			if !s.respond(response) {
				return
			}
		case e := <-s.endings:
			s.end(e)
			return
		case <-expiry:
			if expiry = s.expiry(); s.expired() {
				s.end(refusal(apperr.TokenIsExpired.New()))
				return
			}
		case <-beat.C:
			if !s.write([]byte(s.t.wire.beat)) {
				return
			}
		case <-s.ctx.Done():
			return
		}
	}
}

// answer is a response with the mark of its value.
type answer struct {
	*graphql.Response
	mark string
}

// pump fetches responses on a goroutine of its own, because the executor may
// wait for them. The error that ends the operation comes before the channel is
// closed.
func (s *stream) pump(last chan<- error) <-chan answer {
	responses := make(chan answer)
	go func() {
		defer close(responses)
		defer func() {
			if cause := recover(); cause != nil {
				last <- panicked(s.t.cfg.Logger, cause)
			}
		}()
		for {
			response, sent := s.next()
			if response == nil {
				last <- s.err()
				return
			}
			select {
			case responses <- answer{response, sent.Cursor}:
			case <-s.ctx.Done():
			}
		}
	}()
	return responses
}

// expiry fires when the token ends, never for one without an end. A clock that
// was moved is noticed within a ping interval.
func (s *stream) expiry() <-chan time.Time {
	if s.expires.IsZero() {
		return nil
	}
	left := s.expires.Sub(s.t.cfg.Clock())
	return time.After(min(max(left, time.Millisecond), s.t.cfg.PingInterval))
}

func (s *stream) expired() bool { return !s.t.cfg.Clock().Before(s.expires) }

func (s *stream) respond(a answer) bool {
	payload, err := encode(a.Response)
	if err != nil {
		s.t.cfg.Logger.Error("response can't be encoded", "error", err)
		return false
	}
	return s.write(s.t.wire.next(a.mark, payload))
}

// refuse tells of errors before the first response, as responses do.
func (s *stream) refuse(response *graphql.Response) {
	if s.write(s.t.wire.next("", errorsOnly(response.Errors))) {
		s.write([]byte(s.t.wire.complete))
	}
}

// conclude ends a stream whose operation has ended.
func (s *stream) conclude(err error) {
	if err != nil {
		s.fail(err)
		return
	}
	s.write([]byte(s.t.wire.complete))
}

// end ends a stream whose operation would go on.
func (s *stream) end(e ending) {
	if e.err != nil {
		s.fail(e.err)
		return
	}
	s.write(s.t.wire.retry(e.retry))
}

func (s *stream) fail(err error) {
	if s.write(s.t.wire.failed(errorsOnly(s.present(err).Errors))) {
		s.write([]byte(s.t.wire.complete))
	}
}

// errorsOnly is a response without data.
func errorsOnly(errs gqlerror.List) []byte {
	payload, err := json.Marshal(map[string]any{"errors": errs})
	if err != nil {
		return []byte(`{"errors":[]}`)
	}
	return payload
}

// accepts looks for a media type in an Accept header whose parameters are as
// asked; a weight of 0 refuses it.
func accepts(header http.Header, mediaType string, parameters map[string]string) bool {
	for element := range strings.SplitSeq(strings.Join(header.Values("Accept"), ","), ",") {
		name, rest, _ := strings.Cut(element, ";")
		if strings.EqualFold(strings.TrimSpace(name), mediaType) && fits(rest, parameters) {
			return true
		}
	}
	return false
}

func fits(text string, wanted map[string]string) bool {
	found := map[string]string{}
	for parameter := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		found[strings.ToLower(name)] = strings.Trim(value, `"`)
	}
	for name, value := range wanted {
		if found[strings.ToLower(name)] != value {
			return false
		}
	}
	return strings.Trim(found["q"], "0.") != "" || found["q"] == ""
}
