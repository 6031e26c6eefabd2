package verify

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxAnswer is more than the largest answer of the contract, in bytes.
const maxAnswer = 16 << 20

// server is the server that is asked.
type server struct {
	Config
	client *http.Client
}

func newServer(config Config) *server {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one, as net/http documents
	return &server{config, &http.Client{
		Transport: transport,
		// What a redirect leads to is not the server that was named.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// request is what is sent. A body of nil is none.
type request struct {
	method, path string
	query        url.Values
	header       map[string]string
	body         *string
	// asAccount sends the token.
	asAccount bool
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// String is what a report quotes of an answer.
func (a answer) String() string {
	body := strings.TrimSpace(string(a.body))
	if len(body) > 200 {
		body = body[:200] + "…"
	}
	return fmt.Sprintf("%d %s", a.status, body)
}

// open sends a request and leaves the body to the caller, who closes it.
func (s *server) open(ctx context.Context, r request) (*http.Response, error) {
	target := s.URL.JoinPath(r.path)
	target.RawQuery = r.query.Encode()
	var body io.Reader
	if r.body != nil {
		body = strings.NewReader(*r.body)
	}
	sent, err := http.NewRequestWithContext(ctx, r.method, target.String(), body)
	if err != nil {
		return nil, err
	}
	for name, value := range r.header {
		sent.Header.Set(name, value)
	}
	if r.asAccount {
		sent.Header.Set("Authorization", "Bearer "+s.Token)
	}
	return s.client.Do(sent)
}

// send sends a request and reads the answer.
func (s *server) send(ctx context.Context, r request) (answer, error) {
	response, err := s.open(ctx, r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("read the answer: %w", err)
	}
	return answer{response.StatusCode, response.Header, body}, nil
}
