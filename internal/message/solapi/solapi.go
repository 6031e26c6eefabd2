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
	"net/url"
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
	// provider is the name of SOLAPI where messages are recorded.
	provider = "solapi"
	// firstCheck is when the result of most messages is there.
	firstCheck = 5 * time.Second
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
// SOLAPI could send the text as an SMS by itself. It is kept from that: the outbox does so
// once it knows, and two that do would sometimes both.
type kakaoOptions struct {
	ProfileID  string `json:"pfId"`
	TemplateID string `json:"templateId"`
	DisableSMS bool   `json:"disableSms"`
}

// request is what SOLAPI is asked to send.
type request struct {
	Messages []outgoing `json:"messages"`
	// ShowMessageList has the answer hold the id of each message.
	ShowMessageList bool `json:"showMessageList"`
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
		out.Kakao = &kakaoOptions{ProfileID: s.cfg.ProfileID, TemplateID: s.cfg.ImpedanceTemplate, DisableSMS: true}
	}
	body, err := json.Marshal(request{Messages: []outgoing{out}, ShowMessageList: true})
	if err != nil {
		return message.Accepted{}, fmt.Errorf("solapi: %w", err)
	}
	var got answer
	if err := s.ask(ctx, http.MethodPost, "/messages/v4/send-many/detail", bytes.NewReader(body), &got); err != nil {
		return message.Accepted{}, err
	}
	if len(got.Failed) > 0 {
		// SOLAPI has looked at the message and refused it.
		return message.Accepted{}, fmt.Errorf("solapi: refused with status code %s: %w", codeOf(got.Failed[0].StatusCode), message.ErrPermanent)
	}
	accepted := message.Accepted{Provider: provider, ID: got.id()}
	if accepted.ID != "" {
		accepted.CheckAfter = firstCheck
	}
	return accepted, nil
}

// answer is what SOLAPI says of the messages of a request.
type answer struct {
	Failed []struct {
		StatusCode string `json:"statusCode"`
	} `json:"failedMessageList"`
	Messages []struct {
		ID string `json:"messageId"`
	} `json:"messageList"`
	Group struct {
		ID string `json:"groupId"`
	} `json:"groupInfo"`
}

// id is by what SOLAPI knows the message: its own id or, where the answer holds none, that
// of its group, in which it is alone.
func (a answer) id() string {
	if len(a.Messages) > 0 && isCode(a.Messages[0].ID) {
		return a.Messages[0].ID
	}
	if isCode(a.Group.ID) {
		return a.Group.ID
	}
	return ""
}

// groupPrefix begins the ids of groups; those of messages begin with another letter.
const groupPrefix = "G"

// Check asks SOLAPI what became of a message. A message that SOLAPI does not list, as one
// that it has not stored yet, is under way.
func (s *Sender) Check(ctx context.Context, accepted message.Accepted) (message.Result, error) {
	key := "messageId"
	if strings.HasPrefix(accepted.ID, groupPrefix) {
		key = "groupId"
	}
	var got list
	if err := s.ask(ctx, http.MethodGet, "/messages/v4/list?"+url.Values{key: {accepted.ID}}.Encode(), http.NoBody, &got); err != nil {
		return message.Result{}, err
	}
	result := message.Result{Outcome: message.UnderWay}
	for _, listed := range got.Messages {
		switch code := codeOf(listed.StatusCode); code {
		case statusDelivered:
			return message.Result{Outcome: message.Delivered, IsReplaced: listed.isReplacement()}, nil
		case statusAccepted, statusHandedOn:
			return message.Result{Outcome: message.UnderWay}, nil
		default:
			result = message.Result{
				Outcome: message.Failed, Code: code,
				IsReplaced: result.IsReplaced || listed.isReplacement(),
			}
		}
	}
	return result, nil
}

// The statuses of a message that has not failed: SOLAPI has it, a network has it, its
// recipient has it. All others say why it failed.
const (
	statusAccepted  = "2000"
	statusHandedOn  = "3000"
	statusDelivered = "4000"
)

// list is what SOLAPI lists, by the ids of the messages.
type list struct {
	Messages map[string]listedMessage `json:"messageList"`
}

type listedMessage struct {
	StatusCode string `json:"statusCode"`
	// Replacement is true or 1 where an SMS took the place of an Alimtalk.
	Replacement any `json:"replacement"`
}

func (m listedMessage) isReplacement() bool { return m.Replacement == true || m.Replacement == 1.0 }

// ask sends a signed request and reads the answer. Only what SOLAPI refuses for good is
// refused for good by its caller. All else may be mended while the message waits: SOLAPI's
// own trouble by itself, a wrong key or an empty balance by the operator. SOLAPI's texts may
// quote the number, so only its codes are kept.
func (s *Sender) ask(ctx context.Context, method, path string, body io.Reader, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, s.cfg.URL+path, body)
	if err != nil {
		return apperr.Text("solapi: the base address is malformed")
	}
	request.Header.Set("Content-Type", "application/json")
	if err := s.sign(request); err != nil {
		return err
	}
	response, wasSent, err := httpclient.Do(s.http, request)
	switch {
	case err != nil && wasSent:
		return fmt.Errorf("solapi: no answer: %w", message.ErrUncertain)
	case err != nil:
		return fmt.Errorf("solapi: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	decoder := json.NewDecoder(io.LimitReader(response.Body, maxResponse))
	if response.StatusCode != http.StatusOK {
		var refused struct {
			ErrorCode string `json:"errorCode"`
		}
		_ = decoder.Decode(&refused) // a proxy's page has no code
		return &message.LaterError{
			After: httpclient.RetryAfter(response, s.cfg.Clock()),
			Err:   apperr.Text(fmt.Sprintf("solapi: status %d, error %s", response.StatusCode, codeOf(refused.ErrorCode))),
		}
	}
	if decoder.Decode(answer) != nil {
		return fmt.Errorf("solapi: the answer cannot be read: %w", message.ErrUncertain)
	}
	return nil
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

// codeOf is a code of SOLAPI, and unknown where an answer has something else in its place.
func codeOf(text string) string {
	if !isCode(text) {
		return "unknown"
	}
	return text
}

// isCode reports whether a text can be a code or an id, and so holds nobody's data.
func isCode(text string) bool {
	isOther := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}
	return text != "" && len(text) <= 64 && !strings.ContainsFunc(text, isOther)
}
