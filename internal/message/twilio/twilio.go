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
)

// Config is an account of Twilio.
type Config struct {
	// URL is https://api.twilio.com, or a stand-in of it.
	URL string
	// AccountSID and AuthToken sign each request.
	AccountSID, AuthToken string
	// From is the sender: a number in E.164, or an alphanumeric sender id.
	From string
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
	address := s.cfg.URL + "/2010-04-01/Accounts/" + url.PathEscape(s.cfg.AccountSID) + "/Messages.json"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return message.Accepted{}, apperr.Text("twilio: the base address is malformed")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(s.cfg.AccountSID, s.cfg.AuthToken)
	response, err := s.http.Do(request)
	if err != nil {
		return message.Accepted{}, fmt.Errorf("twilio: %w", httpclient.WithoutAddress(err))
	}
	defer func() { _ = response.Body.Close() }()
	return message.Accepted{Provider: "twilio"}, outcome(response)
}

// refusal is what Twilio answers where it did not take a message.
type refusal struct{ Code int }

// outcome is what an answer means for the message. Only what is wrong with the recipient is
// for good. All else may be mended while the message waits: Twilio's own trouble by itself,
// a wrong key, sender or balance by the operator. Twilio's texts quote the number, so only
// its codes are kept.
func outcome(response *http.Response) error {
	body := io.LimitReader(response.Body, maxResponse)
	if response.StatusCode == http.StatusCreated || response.StatusCode == http.StatusOK {
		// It was taken, whatever the rest of the answer says.
		_, _ = io.Copy(io.Discard, body)
		return nil
	}
	var refused refusal
	_ = json.NewDecoder(body).Decode(&refused) // a proxy's page has no code
	text := fmt.Sprintf("twilio: status %d, error %d", response.StatusCode, refused.Code)
	if response.StatusCode == http.StatusBadRequest && slices.Contains(recipientErrors(), refused.Code) {
		return fmt.Errorf("%s: %w", text, message.ErrPermanent)
	}
	return apperr.Text(text)
}

// recipientErrors are Twilio's codes for a number that no other try reaches: it is none
// (21211, 21217), cannot be reached from the sender (21408, 21612), has asked for no more
// messages (21610), or is no mobile phone (21614).
func recipientErrors() []int { return []int{21211, 21217, 21408, 21610, 21612, 21614} }
