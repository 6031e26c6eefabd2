// Package fcm sends push messages through the HTTP v1 API of Firebase Cloud Messaging: it is
// a [message.Sender] of that channel. It is one of the few packages below internal/ that may
// import net/http.
package fcm

import (
	"bytes"
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
	// timeout is how long one message waits for FCM, and how long its access token does.
	timeout = 10 * time.Second
	// maxResponse is far above what FCM answers about one message.
	maxResponse = 64 << 10
	// provider is the name of FCM where messages are recorded.
	provider = "fcm"
	// timeToLive is how long FCM keeps a message for a phone that is off.
	timeToLive = 24 * time.Hour
	// maxID is the longest id of a message that is recorded.
	maxID = 64
)

// How long FCM asks to be left alone where its answer does not say so ("Handle errors" of
// its guide to sending at scale).
const (
	pauseAfterQuota   = time.Minute
	pauseAfterTrouble = 10 * time.Second
)

// Config is a project of Firebase.
type Config struct {
	// URL is https://fcm.googleapis.com, or a stand-in of it.
	URL         string
	Credentials Credentials
	Clock       func() time.Time
}

// Sender sends push messages.
type Sender struct {
	address string
	http    *http.Client
	access  *access
	now     func() time.Time
}

// New makes a sender.
func New(cfg Config) *Sender {
	client := httpclient.New(timeout)
	return &Sender{
		address: strings.TrimSuffix(cfg.URL, "/") + "/v1/projects/" + url.PathEscape(cfg.Credentials.ProjectID) + "/messages:send",
		http:    client, now: cfg.Clock,
		access: &access{credentials: cfg.Credentials, http: client, now: cfg.Clock},
	}
}

// outgoing is a message as FCM takes it.
type outgoing struct {
	Token        string            `json:"token"`
	Notification notification      `json:"notification"`
	Data         map[string]string `json:"data"`
	Android      android           `json:"android"`
	APNS         apns              `json:"apns"`
}

type notification struct {
	Title string `json:"title,omitempty"`
	Body  string `json:"body"`
}

// android and apns have a phone show a message once that it got twice: what has the tag of
// another takes its place.
type android struct {
	Priority     string `json:"priority"`
	TTL          string `json:"ttl"`
	Notification struct {
		Tag string `json:"tag"`
	} `json:"notification"`
}

type apns struct {
	Headers map[string]string `json:"headers"`
}

// Send hands one message to FCM. FCM takes no idempotency key: a message whose answer got
// lost is sent again, and the phone shows the second in the place of the first.
func (s *Sender) Send(ctx context.Context, id int, m message.Message) (message.Accepted, error) {
	tag := "message-" + strconv.Itoa(id)
	out := outgoing{
		Token:        m.To,
		Notification: notification{Title: m.Title, Body: m.Text},
		Data:         map[string]string{"purpose": m.Purpose.String()},
		Android:      android{Priority: "HIGH", TTL: fmt.Sprintf("%.0fs", timeToLive.Seconds())},
		APNS: apns{Headers: map[string]string{
			"apns-collapse-id": tag, "apns-expiration": strconv.FormatInt(s.now().Add(timeToLive).Unix(), 10),
		}},
	}
	out.Android.Notification.Tag = tag
	body, err := json.Marshal(map[string]outgoing{"message": out})
	if err != nil {
		return message.Accepted{}, fmt.Errorf("fcm: %w", err)
	}
	token, err := s.access.get(ctx)
	if err != nil {
		return message.Accepted{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.address, bytes.NewReader(body))
	if err != nil {
		return message.Accepted{}, apperr.Text("fcm: the base address is malformed")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, wasSent, err := httpclient.Do(s.http, request)
	switch {
	case err != nil && wasSent:
		return message.Accepted{}, fmt.Errorf("fcm: no answer: %w", message.ErrUncertain)
	case err != nil:
		return message.Accepted{}, fmt.Errorf("fcm: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusUnauthorized {
		s.access.drop(token)
	}
	return outcome(response, s.now())
}

// refusal is what FCM answers where it did not take a message. Details are of several kinds,
// of which each has one of the members.
type refusal struct {
	Error struct {
		Message string `json:"message"`
		Status  string `json:"status"`
		Details []struct {
			ErrorCode       string `json:"errorCode"`
			FieldViolations []struct {
				Field string `json:"field"`
			} `json:"fieldViolations"`
		} `json:"details"`
	} `json:"error"`
}

// code is FCM's own, or else that of Google's interfaces in common.
func (r refusal) code() string {
	for _, detail := range r.Error.Details {
		if detail.ErrorCode != "" {
			return codeOf(detail.ErrorCode)
		}
	}
	return codeOf(r.Error.Status)
}

// isAboutToken reports whether the token is what FCM finds malformed. Often its text alone
// says so.
func (r refusal) isAboutToken() bool {
	for _, detail := range r.Error.Details {
		for _, violation := range detail.FieldViolations {
			if violation.Field == "message.token" {
				return true
			}
		}
	}
	return strings.Contains(r.Error.Message, "registration token")
}

// outcome is what an answer means for the message. A token that FCM does not know, or that is
// of another project, reaches nobody any more. What is wrong with the message itself no other
// try mends. All else may be mended while it waits: FCM's own trouble by itself, wrong
// credentials by the operator. FCM's texts may quote the token, so only its codes are kept.
func outcome(response *http.Response, now time.Time) (message.Accepted, error) {
	decoder := json.NewDecoder(io.LimitReader(response.Body, maxResponse))
	if response.StatusCode == http.StatusOK {
		var taken struct {
			Name string `json:"name"`
		}
		if decoder.Decode(&taken) != nil || taken.Name == "" {
			return message.Accepted{}, fmt.Errorf("fcm: the answer cannot be read: %w", message.ErrUncertain)
		}
		return message.Accepted{Provider: provider, ID: idOf(taken.Name)}, nil
	}
	var refused refusal
	_ = decoder.Decode(&refused) // a proxy's page has no code
	code := refused.code()
	text := fmt.Sprintf("fcm: status %d, error %s", response.StatusCode, code)
	switch {
	case response.StatusCode == http.StatusNotFound && code == "UNREGISTERED",
		response.StatusCode == http.StatusBadRequest && code == "INVALID_ARGUMENT" && refused.isAboutToken():
		return message.Accepted{}, fmt.Errorf("%s: %w", text, message.ErrGone)
	// The token is of another project, or the service account is: then the tokens of all
	// accounts are sound, and none may be lost by the mistake.
	case response.StatusCode == http.StatusForbidden && code == "SENDER_ID_MISMATCH",
		response.StatusCode == http.StatusBadRequest && code == "INVALID_ARGUMENT":
		return message.Accepted{}, fmt.Errorf("%s: %w", text, message.ErrPermanent)
	}
	return message.Accepted{}, later(response, now, text)
}

// later is the error of an answer after which FCM may take the message at another time.
func later(response *http.Response, now time.Time, text string) error {
	after := httpclient.RetryAfter(response, now)
	switch {
	case after > 0:
	case response.StatusCode == http.StatusTooManyRequests:
		after = pauseAfterQuota
	case response.StatusCode >= http.StatusInternalServerError:
		after = pauseAfterTrouble
	}
	return &message.LaterError{After: after, Err: apperr.Text(text)}
}

// idOf is the part of a message's name that is its own: before it stands the project.
func idOf(name string) string {
	_, id, found := strings.Cut(name, "/messages/")
	if !found || len(id) > maxID {
		return ""
	}
	return id
}

// codeOf is a code as Google writes its own, or a placeholder: what else stands in its place
// may quote what was sent.
func codeOf(text string) string {
	const longest = 64
	isOther := func(c rune) bool {
		return (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '_'
	}
	if text == "" || len(text) > longest || slices.ContainsFunc([]rune(text), isOther) {
		return "none"
	}
	return text
}
