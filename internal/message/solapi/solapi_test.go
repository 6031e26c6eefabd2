package solapi_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	entmessage "luxbff/ent/message"
	"luxbff/internal/message"
	"luxbff/internal/message/solapi"
)

func sms() message.Message {
	return message.Message{Channel: entmessage.ChannelSms, Purpose: entmessage.PurposeSignUpCode, To: "+821012345678", Text: "Your code is 123456"}
}

func alert() message.Message {
	return message.Message{Channel: entmessage.ChannelAlimtalk, Purpose: entmessage.PurposeImpedanceAlert, To: "+821012345678", Text: "An electrode …"}
}

func newSender(t *testing.T, handle http.HandlerFunc) *solapi.Sender {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return solapi.New(solapi.Config{
		URL: server.URL + "/", Key: "key", Secret: "secret", From: "0212345678", ProfileID: "channel", ImpedanceTemplate: "template",
		Clock:  func() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.FixedZone("KST", 9*3600)) },
		Random: bytes.NewReader(bytes.Repeat([]byte{7}, 64)),
	})
}

var authorization = regexp.MustCompile(`^HMAC-SHA256 apiKey=key, date=(2026-03-04T03:00:00Z), salt=([0-9a-f]{32}), signature=([0-9a-f]{64})$`)

func isSigned(header string) bool {
	parts := authorization.FindStringSubmatch(header)
	if parts == nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte("secret"))
	_, _ = io.WriteString(mac, parts[1]+parts[2])
	return hex.EncodeToString(mac.Sum(nil)) == parts[3]
}

func TestSend(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		message message.Message
		want    string
	}{
		"SMS":      {sms(), `{"messages":[{"to":"01012345678","from":"0212345678","text":"Your code is 123456"}],"showMessageList":true}`},
		"Alimtalk": {alert(), `{"messages":[{"to":"01012345678","from":"0212345678","text":"An electrode …","kakaoOptions":{"pfId":"channel","templateId":"template","disableSms":true}}],"showMessageList":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sender := newSender(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				var got, want any
				if json.Unmarshal(body, &got) != nil || json.Unmarshal([]byte(c.want), &want) != nil || !cmp.Equal(want, got) {
					t.Errorf("body %s", body)
				}
				if r.Method != http.MethodPost || r.URL.Path != "/messages/v4/send-many/detail" || !isSigned(r.Header.Get("Authorization")) {
					t.Errorf("%s %s by %q", r.Method, r.URL, r.Header.Get("Authorization"))
				}
				_, _ = w.Write([]byte(`{"failedMessageList": [], "groupInfo": {"groupId": "G4V1"}, "messageList": [{"messageId": "M4V1", "statusCode": "2000"}]}`))
			})
			accepted, err := sender.Send(t.Context(), 1, c.message)
			if want := (message.Accepted{Provider: "solapi", ID: "M4V1", CheckAfter: 5 * time.Second}); err != nil || accepted != want {
				t.Errorf("%+v, %v; want %+v", accepted, err, want)
			}
		})
	}
}

// TestIDs: a message is known by its own id or by its group's, and can't be asked about
// without one.
func TestIDs(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"messageList": [{"messageId": "M4V1"}]}`:                                                "M4V1",
		`{"groupInfo": {"groupId": "G4V1"}}`:                                                      "G4V1",
		`{"messageList": [{"messageId": "01012345678 is it"}], "groupInfo": {"groupId": "G4V1"}}`: "G4V1",
		`{}`: "",
		`{"messageList": [], "groupInfo": {"groupId": ""}}`: "",
	} {
		sender := newSender(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
		accepted, err := sender.Send(t.Context(), 1, sms())
		if err != nil || accepted.ID != want || (accepted.CheckAfter == 0) != (want == "") {
			t.Errorf("%s: %+v, %v; want %q", body, accepted, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id, query, body string
		want            message.Result
	}{
		"accepted":    {"M4V1", "messageId=M4V1", `{"messageList": {"M4V1": {"statusCode": "2000"}}}`, message.Result{Outcome: message.UnderWay}},
		"handed on":   {"M4V1", "messageId=M4V1", `{"messageList": {"M4V1": {"statusCode": "3000"}}}`, message.Result{Outcome: message.UnderWay}},
		"not listed":  {"M4V1", "messageId=M4V1", `{"messageList": {}}`, message.Result{Outcome: message.UnderWay}},
		"delivered":   {"M4V1", "messageId=M4V1", `{"messageList": {"M4V1": {"statusCode": "4000"}}}`, message.Result{Outcome: message.Delivered}},
		"of a group":  {"G4V1", "groupId=G4V1", `{"messageList": {"M4V1": {"statusCode": "4000"}}}`, message.Result{Outcome: message.Delivered}},
		"no Kakao":    {"M4V1", "messageId=M4V1", `{"messageList": {"M4V1": {"statusCode": "3104", "type": "ATA", "replacement": false}}}`, message.Result{Outcome: message.Failed, Code: "3104"}},
		"a text":      {"M4V1", "messageId=M4V1", `{"messageList": {"M4V1": {"statusCode": "no 01012345678"}}}`, message.Result{Outcome: message.Failed, Code: "unknown"}},
		"replaced":    {"M4V1", "messageId=M4V1", `{"messageList": {"M4V1": {"statusCode": "4000", "type": "SMS", "replacement": 1}}}`, message.Result{Outcome: message.Delivered, IsReplaced: true}},
		"in vain":     {"M4V1", "messageId=M4V1", `{"messageList": {"M4V1": {"statusCode": "3043", "type": "SMS", "replacement": true}}}`, message.Result{Outcome: message.Failed, Code: "3043", IsReplaced: true}},
		"one of them": {"G4V1", "groupId=G4V1", `{"messageList": {"M4V1": {"statusCode": "3104"}, "M4V2": {"statusCode": "3000", "replacement": true}}}`, message.Result{Outcome: message.UnderWay}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sender := newSender(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || r.URL.Path != "/messages/v4/list" || r.URL.RawQuery != c.query || !isSigned(r.Header.Get("Authorization")) {
					t.Errorf("%s %s by %q", r.Method, r.URL, r.Header.Get("Authorization"))
				}
				_, _ = w.Write([]byte(c.body))
			})
			if got, err := sender.Check(t.Context(), message.Accepted{ID: c.id}); err != nil || got != c.want {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestChecksWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{200: `01012345678`, 401: `{"errorCode": "InvalidAPIKey"}`, 429: ``, 503: `<html>01012345678</html>`} {
		sender := newSender(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})
		if _, err := sender.Check(t.Context(), message.Accepted{ID: "M4V1"}); err == nil || strings.Contains(err.Error(), "1234") {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// TestAnswers: each answer decides whether the message is tried again, and no error
// repeats the number or the text.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status    int
		body      string
		permanent bool
	}{
		"refused":               {200, `{"failedMessageList": [{"to": "01012345678", "statusCode": "3010", "statusMessage": "01012345678"}]}`, true},
		"a code that is a text": {200, `{"failedMessageList": [{"statusCode": "no 01012345678"}]}`, true},
		"garbage":               {200, `01012345678`, false},
		"an empty answer":       {200, ``, false},
		"a wrong key":           {401, `{"errorCode": "InvalidAPIKey", "errorMessage": "01012345678"}`, false},
		"no balance":            {402, `{"errorCode": "NotEnoughBalance"}`, false},
		"a wrong sender":        {400, `{"errorCode": "ValidationError", "errorMessage": "123456"}`, false},
		"too many":              {429, ``, false},
		"trouble":               {503, `<html>01012345678</html>`, false},
		"a redirect":            {302, ``, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sender := newSender(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			})
			_, err := sender.Send(t.Context(), 1, sms())
			if err == nil || errors.Is(err, message.ErrPermanent) != c.permanent || strings.Contains(err.Error(), "1234") {
				t.Errorf("%v", err)
			}
			if unread := c.status == http.StatusOK && !c.permanent; errors.Is(err, message.ErrUncertain) != unread {
				t.Errorf("it may have been taken: %v, want %v", err, unread)
			}
			if later := new(message.LaterError); errors.As(err, &later) != (c.status != http.StatusOK) || c.status != http.StatusOK && later.After != 7*time.Second {
				t.Errorf("%#v, want it seven seconds later", err)
			}
		})
	}
}

func TestWhatSOLAPICannotReach(t *testing.T) {
	t.Parallel()
	sender := newSender(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	abroad, other := sms(), alert()
	abroad.To, other.Purpose = "+4915112345678", entmessage.PurposeSignUpCode
	for _, m := range []message.Message{abroad, other} {
		if _, err := sender.Send(t.Context(), 1, m); !errors.Is(err, message.ErrPermanent) {
			t.Errorf("%v: %v", m.Purpose, err)
		}
	}
}

// TestSilence: what SOLAPI had before it went silent, it may have taken.
func TestSilence(t *testing.T) {
	t.Parallel()
	silent := make(chan struct{})
	sender := newSender(t, func(http.ResponseWriter, *http.Request) { <-silent })
	defer close(silent)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := sender.Send(ctx, 1, sms()); !errors.Is(err, message.ErrUncertain) || errors.Is(err, message.ErrPermanent) {
		t.Errorf("%v", err)
	}
}
