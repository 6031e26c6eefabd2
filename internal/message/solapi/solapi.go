// Package solapi sends SMS and Alimtalk through SOLAPI: it is the [message.Sender] of
// those channels in Korea. It is one of the few packages below internal/ that may import
// net/http.
package solapi

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	entmessage "luxbff/ent/message"
	"luxbff/internal/apperr"
	"luxbff/internal/httpclient"
	"luxbff/internal/message"
)

const (
	// timeout is how long one message waits for SOLAPI.
	timeout = 15 * time.Second
	// maxResponse is far above what SOLAPI answers about one message.
	maxResponse = 64 << 10
	// korea is the calling code of the numbers that SOLAPI reaches.
	korea = "+82"
)

// Config is an account of SOLAPI.
type Config struct {
	// URL is https://api.solapi.com, or a stand-in of it.
	URL string
	// Key and Secret sign each request.
	Key, Secret string
	// From is the number that the account has registered as its sender.
	From string
	// ProfileID is the Kakao channel that Alimtalk comes from, and ImpedanceTemplate the
	// template that Kakao has approved for the impedance alert. Both are empty where
	// Alimtalk is not sent.
	ProfileID, ImpedanceTemplate string
	// Clock dates each request. SOLAPI refuses one whose date is far from its own.
	Clock func() time.Time
	// Random salts the signatures.
	Random io.Reader
}

// Sender sends SMS and Alimtalk.
type Sender struct {
	cfg  Config
	http *http.Client
}

// New makes a sender.
func New(cfg Config) *Sender {
	cfg.URL = strings.TrimSuffix(cfg.URL, "/")
	return &Sender{cfg: cfg, http: httpclient.New(timeout)}
}

// outgoing is one message as SOLAPI takes it.
type outgoing struct {
	To    string        `json:"to"`
	From  string        `json:"from"`
	Text  string        `json:"text"`
	Kakao *kakaoOptions `json:"kakaoOptions,omitempty"`
}

// kakaoOptions make an Alimtalk of a message. Where the user cannot be reached by it,
// SOLAPI sends the text as an SMS.
type kakaoOptions struct {
	ProfileID  string `json:"pfId"`
	TemplateID string `json:"templateId"`
	DisableSMS bool   `json:"disableSms"`
}

// Send hands one message to SOLAPI. SOLAPI takes no idempotency key: a message whose answer
// got lost is sent again, and may come twice.
func (s *Sender) Send(ctx context.Context, _ int, m message.Message) (message.Accepted, error) {
	national, isKorean := strings.CutPrefix(m.To, korea)
	if !isKorean {
		return message.Accepted{}, fmt.Errorf("solapi: the number is none of Korea: %w", message.ErrPermanent)
	}
	out := outgoing{To: "0" + strings.TrimPrefix(national, "0"), From: s.cfg.From, Text: m.Text}
	if m.Channel == entmessage.ChannelAlimtalk {
		if m.Purpose != entmessage.PurposeImpedanceAlert {
			return message.Accepted{}, fmt.Errorf("solapi: no template for the purpose: %w", message.ErrPermanent)
		}
		out.Kakao = &kakaoOptions{ProfileID: s.cfg.ProfileID, TemplateID: s.cfg.ImpedanceTemplate}
	}
	body, err := json.Marshal(map[string][]outgoing{"messages": {out}})
	if err != nil {
		return message.Accepted{}, fmt.Errorf("solapi: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.URL+"/messages/v4/send-many/detail", bytes.NewReader(body))
	if err != nil {
		return message.Accepted{}, apperr.Text("solapi: the base address is malformed")
	}
	request.Header.Set("Content-Type", "application/json")
	if err := s.sign(request); err != nil {
		return message.Accepted{}, err
	}
	response, err := s.http.Do(request)
	if err != nil {
		return message.Accepted{}, fmt.Errorf("solapi: %w", httpclient.WithoutAddress(err))
	}
	defer func() { _ = response.Body.Close() }()
	return message.Accepted{Provider: "solapi"}, outcome(response)
}

// sign proves by the secret who asks, and when.
func (s *Sender) sign(request *http.Request) error {
	random := make([]byte, 16)
	if _, err := io.ReadFull(s.cfg.Random, random); err != nil {
		return fmt.Errorf("solapi: make a salt: %w", err)
	}
	date, salt := s.cfg.Clock().UTC().Format(time.RFC3339), hex.EncodeToString(random)
	mac := hmac.New(sha256.New, []byte(s.cfg.Secret))
	mac.Write([]byte(date + salt))
	request.Header.Set("Authorization", fmt.Sprintf("HMAC-SHA256 apiKey=%s, date=%s, salt=%s, signature=%s",
		s.cfg.Key, date, salt, hex.EncodeToString(mac.Sum(nil))))
	return nil
}

// answer is what SOLAPI says of the messages of a request.
type answer struct {
	// ErrorCode is why it took none of them.
	ErrorCode string `json:"errorCode"`
	Failed    []struct {
		StatusCode string `json:"statusCode"`
	} `json:"failedMessageList"`
}

// outcome is what an answer means for the message. A message that SOLAPI has looked at and
// refused is refused for good. All else may be mended while it waits: SOLAPI's own trouble
// by itself, a wrong key or an empty balance by the operator. SOLAPI's texts may quote the
// number, so only its codes are kept.
func outcome(response *http.Response) error {
	var got answer
	unreadable := json.NewDecoder(io.LimitReader(response.Body, maxResponse)).Decode(&got)
	switch {
	case response.StatusCode != http.StatusOK:
		return apperr.Text(fmt.Sprintf("solapi: status %d, error %s", response.StatusCode, codeOf(got.ErrorCode)))
	case unreadable != nil:
		// It may have been taken. To send it again may bring it twice, not to send it not
		// at all: whoever waits for a code is better off with two.
		return fmt.Errorf("solapi: the answer cannot be read: %w", unreadable)
	case len(got.Failed) > 0:
		return fmt.Errorf("solapi: refused with status code %s: %w", codeOf(got.Failed[0].StatusCode), message.ErrPermanent)
	}
	return nil
}

// codeOf is a code of SOLAPI, and nothing where an answer has something else in its place.
func codeOf(text string) string {
	isOther := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}
	if len(text) > 64 || strings.ContainsFunc(text, isOther) {
		return "unknown"
	}
	return text
}
