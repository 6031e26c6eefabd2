// Package twilio sends SMS through Twilio's Messages API: it is a [message.Sender] of
// that channel. It is one of the few packages below internal/ that may import net/http.
package twilio

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"luxbff/internal/apperr"
	"luxbff/internal/httpclient"
	"luxbff/internal/message"
)

const (
	// timeout is how long one message waits for Twilio.
	timeout = 15 * time.Second
	// maxResponse is far above what Twilio answers about one message.
	maxResponse = 64 << 10
	// provider is the name of Twilio where messages are recorded.
	provider = "twilio"
	// firstCheck is when the result of most messages is there.
	firstCheck = 5 * time.Second
)

// Config is an account of Twilio.
type Config struct {
	// URL is https://api.twilio.com, or a stand-in of it.
	URL string
	// AccountSID and AuthToken sign each request.
	AccountSID, AuthToken string
	// From is the sender: a number in E.164, or an alphanumeric sender id.
	From string
	// Clock says how far a date is away until which Twilio wants to be left alone.
	Clock func() time.Time
}

// Sender sends SMS.
type Sender struct {
	cfg  Config
	http *http.Client
}

// New makes a sender.
func New(cfg Config) *Sender {
	cfg.URL = strings.TrimSuffix(cfg.URL, "/")
	return &Sender{cfg: cfg, http: httpclient.New(timeout)}
}

// Send hands one SMS to Twilio. Twilio takes no idempotency key: a message whose answer got
// lost is sent again, and may come twice.
func (s *Sender) Send(ctx context.Context, _ int, m message.Message) (message.Accepted, error) {
	form := url.Values{"To": {m.To}, "From": {s.cfg.From}, "Body": {m.Text}}
	// It was taken, whatever the rest of the answer says. Without its id Twilio cannot be
	// asked what became of it.
	taken, err := s.ask(ctx, http.MethodPost, "/Messages.json", strings.NewReader(form.Encode()))
	if err != nil || !isSID(taken.SID) {
		return message.Accepted{Provider: provider}, err
	}
	return message.Accepted{Provider: provider, ID: taken.SID, CheckAfter: firstCheck}, nil
}

// Check asks Twilio what became of an SMS. Where a network reports no deliveries, it stays
// under way.
func (s *Sender) Check(ctx context.Context, accepted message.Accepted) (message.Result, error) {
	got, err := s.ask(ctx, http.MethodGet, "/Messages/"+url.PathEscape(accepted.ID)+".json", http.NoBody)
	if err != nil {
		return message.Result{}, err
	}
	switch got.Status {
	case "delivered", "read":
		return message.Result{Outcome: message.Delivered}, nil
	case "undelivered", "failed", "canceled":
		return message.Result{Outcome: message.Failed, Code: strconv.Itoa(got.ErrorCode)}, nil
	case "accepted", "scheduled", "queued", "sending", "sent":
		return message.Result{Outcome: message.UnderWay}, nil
	}
	return message.Result{}, apperr.Text("twilio: the answer has no status")
}

// resource is what Twilio says of a message. It is empty where an answer cannot be read.
type resource struct {
	SID       string `json:"sid"`
	Status    string `json:"status"`
	ErrorCode int    `json:"error_code"` // null without one
}

// isSID reports whether a text can be the id of a message, and so holds nobody's data.
func isSID(text string) bool {
	isOther := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}
	return text != "" && len(text) <= 64 && !strings.ContainsFunc(text, isOther)
}

// ask sends a request about the account's messages. Only what is wrong with the recipient
// is refused for good. All else may be mended while the message waits: Twilio's own trouble
// by itself, a wrong key, sender or balance by the operator. Twilio's texts quote the number,
// so only its codes are kept.
func (s *Sender) ask(ctx context.Context, method, path string, body io.Reader) (resource, error) {
	address := s.cfg.URL + "/2010-04-01/Accounts/" + url.PathEscape(s.cfg.AccountSID) + path
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return resource{}, apperr.Text("twilio: the base address is malformed")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(s.cfg.AccountSID, s.cfg.AuthToken)
	response, wasSent, err := httpclient.Do(s.http, request)
	switch {
	case err != nil && wasSent:
		return resource{}, fmt.Errorf("twilio: no answer: %w", message.ErrUncertain)
	case err != nil:
		return resource{}, fmt.Errorf("twilio: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	decoder := json.NewDecoder(io.LimitReader(response.Body, maxResponse))
	if response.StatusCode == http.StatusCreated || response.StatusCode == http.StatusOK {
		var got resource
		_ = decoder.Decode(&got)
		return got, nil
	}
	var refused struct{ Code int }
	_ = decoder.Decode(&refused) // a proxy's page has no code
	text := fmt.Sprintf("twilio: status %d, error %d", response.StatusCode, refused.Code)
	if response.StatusCode == http.StatusBadRequest && slices.Contains(recipientErrors(), refused.Code) {
		return resource{}, fmt.Errorf("%s: %w", text, message.ErrPermanent)
	}
	return resource{}, &message.LaterError{After: httpclient.RetryAfter(response, s.cfg.Clock()), Err: apperr.Text(text)}
}

// recipientErrors are Twilio's codes for a number that no other try reaches: it is none
// (21211, 21217), cannot be reached from the sender (21408, 21612), has asked for no more
// messages (21610), or is no mobile phone (21614).
func recipientErrors() []int { return []int{21211, 21217, 21408, 21610, 21612, 21614} }
