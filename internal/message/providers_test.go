package message_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	entmessage "luxbff/ent/message"
	"luxbff/internal/message"
	"luxbff/internal/message/smtp"
	"luxbff/internal/message/solapi"
	"luxbff/internal/message/twilio"
	"luxbff/internal/testutil/smtptest"
)

// answer is one of a stand-in. An empty one has the connection cut once the request is read.
type answer struct {
	status     int
	body       string
	retryAfter string
}

// standIn answers each POST and each GET by its script, of which the last answer stays.
type standIn struct {
	mu         sync.Mutex
	sends, got []answer
	taken      int // how many POSTs it took, whether or not it said so
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	script := &s.got
	if r.Method == http.MethodPost {
		script = &s.sends
	}
	a := (*script)[0]
	if len(*script) > 1 {
		*script = (*script)[1:]
	}
	if r.Method == http.MethodPost && a.status < 300 && !strings.Contains(a.body, `"failedMessageList": [{`) {
		s.taken++
	}
	if a.status == 0 {
		panic(http.ErrAbortHandler)
	}
	if a.retryAfter != "" {
		w.Header().Set("Retry-After", a.retryAfter)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write([]byte(a.body))
}

func (s *standIn) countTaken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// TestAnswersOfProviders: each documented answer of SOLAPI and Twilio leads through their
// clients and the outbox to the state that docs/operating.md names.
func TestAnswersOfProviders(t *testing.T) {
	t.Parallel()
	solapiTook := answer{status: 200, body: `{"failedMessageList": [], "messageList": [{"messageId": "M4V1", "statusCode": "2000"}]}`}
	solapiSays := func(code string) answer {
		return answer{status: 200, body: `{"messageList": {"M4V1": {"statusCode": "` + code + `"}}}`}
	}
	twilioTook := answer{status: 201, body: `{"sid": "SM1", "status": "queued"}`}
	twilioSays := func(status string, code int) answer {
		return answer{status: 200, body: fmt.Sprintf(`{"sid": "SM1", "status": %q, "error_code": %d}`, status, code)}
	}
	cut, busy, trouble := answer{}, answer{status: 429, retryAfter: "3600"}, answer{status: 503, body: "<html>"}
	for name, c := range map[string]struct {
		sends, got []answer
		state      entmessage.State
		taken      int
		lastErr    string
		atLeast    time.Duration // until the provider has taken it
	}{
		"solapi delivers":          {[]answer{solapiTook}, []answer{solapiSays("2000"), solapiSays("3000"), trouble, solapiSays("4000")}, "delivered", 1, "", 0},
		"solapi reaches nobody":    {[]answer{solapiTook}, []answer{solapiSays("3000"), solapiSays("3043")}, "dead", 1, "solapi: not delivered, code 3043", 0},
		"solapi refuses":           {[]answer{{status: 200, body: `{"failedMessageList": [{"statusCode": "3010"}]}`}}, nil, "dead", 0, "status code 3010", 0},
		"solapi is busy":           {[]answer{busy, solapiTook}, []answer{solapiSays("4000")}, "delivered", 1, "", time.Hour},
		"solapi is in trouble":     {[]answer{trouble}, nil, "dead", 0, "solapi: status 503", 0},
		"solapi goes silent":       {[]answer{cut}, nil, "dead", 2, "may have been taken", 0},
		"solapi goes silent once":  {[]answer{cut, solapiTook}, []answer{solapiSays("4000")}, "delivered", 2, "", 0},
		"solapi answers garbage":   {[]answer{{status: 200, body: "garbage"}}, nil, "dead", 2, "may have been taken", 0},
		"solapi lists garbage":     {[]answer{solapiTook}, []answer{{status: 200, body: "garbage"}}, "sent", 1, "cannot be read", 0},
		"twilio delivers":          {[]answer{twilioTook}, []answer{twilioSays("queued", 0), twilioSays("sent", 0), trouble, twilioSays("delivered", 0)}, "delivered", 1, "", 0},
		"twilio reaches nobody":    {[]answer{twilioTook}, []answer{twilioSays("undelivered", 30003)}, "dead", 1, "twilio: not delivered, code 30003", 0},
		"twilio fails":             {[]answer{twilioTook}, []answer{twilioSays("failed", 30008)}, "dead", 1, "twilio: not delivered, code 30008", 0},
		"twilio refuses":           {[]answer{{status: 400, body: `{"code": 21211}`}}, nil, "dead", 0, "error 21211", 0},
		"twilio is busy":           {[]answer{busy, twilioTook}, []answer{twilioSays("delivered", 0)}, "delivered", 1, "", time.Hour},
		"twilio is in trouble":     {[]answer{trouble}, nil, "dead", 0, "twilio: status 503", 0},
		"twilio goes silent":       {[]answer{cut}, nil, "dead", 2, "may have been taken", 0},
		"twilio goes silent once":  {[]answer{cut, twilioTook}, []answer{twilioSays("delivered", 0)}, "delivered", 2, "", 0},
		"twilio answers garbage":   {[]answer{{status: 201, body: "garbage"}}, nil, "sent", 1, "", 0},
		"twilio shows garbage":     {[]answer{twilioTook}, []answer{{status: 200, body: "garbage"}}, "sent", 1, "has no status", 0},
		"twilio never learns":      {[]answer{twilioTook}, []answer{twilioSays("sent", 0)}, "sent", 1, "", 0},
		"twilio forgets a message": {[]answer{twilioTook}, []answer{{status: 404, body: `{"code": 20404}`}}, "sent", 1, "error 20404", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			provider := &standIn{sends: c.sends, got: c.got}
			server := httptest.NewServer(provider)
			defer server.Close()
			w := newWorld(t, false)
			var sender message.Sender = twilio.New(twilio.Config{URL: server.URL, AccountSID: "AC1", AuthToken: "token", From: "+15005550006", Clock: w.clock.Now})
			if strings.HasPrefix(name, "solapi") {
				sender = solapi.New(solapi.Config{URL: server.URL, Key: "key", Secret: "secret", From: "0212345678", Clock: w.clock.Now, Random: rand.Reader})
			}
			w.serve(sender)
			w.enqueue(t, sms("123456"))
			began := w.clock.Now()
			w.run(t)
			// The client has given up an answer that was cut while the provider still ran.
			server.Close()
			row := w.rows(t)[0]
			lastErr := ""
			if row.LastError != nil {
				lastErr = *row.LastError
			}
			taken := provider.countTaken()
			if row.State != c.state || taken != c.taken || !strings.Contains(lastErr, c.lastErr) || (lastErr == "") != (c.lastErr == "") || row.Text != "" || row.CheckAt != nil {
				t.Errorf("taken %d times, error %q: %v", taken, lastErr, row)
			}
			if c.atLeast > 0 && row.SentAt.Sub(began) < c.atLeast {
				t.Errorf("sent after %v, although the provider asked for %v", row.SentAt.Sub(began), c.atLeast)
			}
		})
	}
}

// TestAMailServerThatGoesSilent once it has all of a mail gets it once more, by the same
// Message-ID.
func TestAMailServerThatGoesSilent(t *testing.T) {
	t.Parallel()
	server := smtptest.Start(t, smtptest.None)
	server.Reply(".", "hang up", "hang up", "hang up")
	sender, err := smtp.New(smtp.Config{URL: "smtp://" + server.Addr, From: "no-reply@example.com", IsPlainAllowed: true})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, false)
	w.serve(sender)
	w.enqueue(t, message.Message{Channel: entmessage.ChannelEmail, Purpose: entmessage.PurposeEmailCode, To: "parent@example.com", Text: "code"})
	w.run(t)
	mails := server.Mails()
	if row := w.rows(t)[0]; row.State != entmessage.StateDead || len(mails) != 2 {
		t.Fatalf("%d mails: %v", len(mails), row)
	}
	first, _, _ := mails[0].Parts(t)
	second, _, _ := mails[1].Parts(t)
	if first.Get("Message-ID") == "" || first.Get("Message-ID") != second.Get("Message-ID") {
		t.Errorf("the Message-IDs are %q and %q", first.Get("Message-ID"), second.Get("Message-ID"))
	}
}
