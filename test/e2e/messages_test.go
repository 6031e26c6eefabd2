package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	entmessage "luxbff/ent/message"
	"luxbff/ent/predicate"
	"luxbff/internal/account"
	"luxbff/internal/auth"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/storetest"
	"luxbff/server/app"
)

// solapi stands in for SOLAPI. What it does with a message is a matter of the test.
type solapi struct {
	*httptest.Server
	mu sync.Mutex
	// taken are the numbers that a message was taken for, in their order; asked counts all
	// requests to send one.
	taken []string
	asked int
	does  behaviour
	texts chan string // of the messages that were taken
	// release lets a provider that waits answer.
	release chan struct{}
}

// behaviour is what a provider does with a message.
type behaviour int

const (
	// answers is a provider that takes a message and says so.
	answers behaviour = iota
	// isSilent takes no message and does not answer.
	isSilent
	// takesSilently takes a message and does not answer.
	takesSilently
	// takesAndHangsUp takes a message and cuts the connection without an answer.
	takesAndHangsUp
	// waits takes a message and answers once it is released.
	waits
	// isDown takes no message and says so.
	isDown
)

func startSolapi(t *testing.T) *solapi {
	t.Helper()
	p := &solapi{texts: make(chan string, 100), release: make(chan struct{})}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(func() {
		p.CloseClientConnections()
		p.Close()
	})
	return p
}

func (p *solapi) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet { // what became of a message
		id := r.URL.Query().Get("messageId")
		_ = json.NewEncoder(w).Encode(map[string]any{"messageList": map[string]any{id: map[string]string{"statusCode": "4000"}}})
		return
	}
	var body struct {
		Messages []struct{ To, Text string }
	}
	raw, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(raw, &body); err != nil || len(body.Messages) != 1 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	p.asked++
	does, id := p.does, fmt.Sprint("M", p.asked)
	if does != isSilent && does != isDown {
		p.taken = append(p.taken, body.Messages[0].To)
		p.texts <- body.Messages[0].Text
	}
	p.mu.Unlock()
	if does == waits {
		<-p.release
	}
	switch does {
	case answers, waits:
		_ = json.NewEncoder(w).Encode(map[string]any{"failedMessageList": []any{}, "messageList": []any{map[string]string{"messageId": id, "statusCode": "2000"}}})
	case isSilent, takesSilently:
		<-r.Context().Done() // until the program has died
	case takesAndHangsUp:
		panic(http.ErrAbortHandler)
	case isDown:
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (p *solapi) set(does behaviour) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.does = does
}

// requests counts what was asked so far.
func (p *solapi) requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// messages counts what a number has got.
func (p *solapi) messages(to string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, taken := range p.taken {
		if taken == to {
			n++
		}
	}
	return n
}

// settings are those of the program in production with this provider.
func (p *solapi) settings() []string {
	return []string{
		"APP_ENV=production", "PUBLIC_URL=https://luxbff.example.com",
		"SOLAPI_URL=" + p.URL, "SOLAPI_API_KEY=key", "SOLAPI_API_SECRET=secret", "SOLAPI_SENDER=0212345678",
	}
}

// production starts the program as a process in production.
func (p *solapi) production(t *testing.T, databaseURL string) *server {
	t.Helper()
	serve := processtest.Command(t, databaseURL)
	serve.Env = append(serve.Env, p.settings()...)
	return start(t, serve)
}

// startInside starts the program as it runs in production within the test, whose clock it
// then has.
func (p *solapi) startInside(t *testing.T) *apptest.Server {
	t.Helper()
	return apptest.Start(t, func(cfg *app.Config) {
		cfg.Env, cfg.PublicURL, cfg.TokenKeys = "production", "https://luxbff.example.com", processtest.TokenKeys()
		cfg.Solapi = app.SolapiConfig{URL: p.URL, Key: "key", Secret: "secret", From: "0212345678"}
	})
}

const askForCode = `mutation { sendSmsCode(input: {phone: "%s", purpose: SIGN_UP}) { ok } }`

// sendCode has a code sent to a number of Korea, as SOLAPI knows it.
func (s *server) sendCode(t *testing.T, national string) {
	t.Helper()
	if code := s.execute(t, "", fmt.Sprintf(askForCode, "+82"+national[1:]), &struct{}{}); code != "" {
		t.Fatalf("the code to %s is refused: %s", national, code)
	}
}

// endLeases lets the time pass for which a dead worker holds its messages.
func endLeases(t *testing.T, databaseURL string) {
	t.Helper()
	db, err := store.Open(t.Context(), storetest.Config(databaseURL))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	err = db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.Message.Update().Where(entmessage.LeasedUntilNotNil()).SetLeasedUntil(time.Unix(0, 0).UTC()).Exec(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// statesOf are the states of the messages to a number, the oldest first.
func statesOf(t *testing.T, databaseURL, national string) (states []string) {
	t.Helper()
	db, err := store.Open(t.Context(), storetest.Config(databaseURL))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.Read().Message.Query().Where(entmessage.To("+82" + national[1:])).Order(entmessage.ByID()).All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		states = append(states, row.State.String())
	}
	return states
}

// TestKilledWhileItSends kills the program with SIGKILL at each step of sending and starts
// it again: what was to be sent is sent once. Where the provider had taken the message and
// nobody knew, it comes a second time and no third.
func TestKilledWhileItSends(t *testing.T) {
	t.Parallel()
	const (
		waiting = "01011111111" // before the commit of its claim
		claimed = "01022222222" // between the claim and the provider
		taken   = "01033333333" // after the provider took it, before that is stored
	)
	provider, databaseURL := startSolapi(t), storetest.URL(t)
	provider.set(isSilent)
	s := provider.production(t, databaseURL)
	s.sendCode(t, claimed)
	s.WaitFor(t, "the worker sends", func() bool { return provider.requests() == 1 })
	s.sendCode(t, waiting) // the worker is busy
	s.Kill()
	if states := append(statesOf(t, databaseURL, waiting), statesOf(t, databaseURL, claimed)...); !slices.Equal(states, []string{"pending", "pending"}) {
		t.Fatalf("the killed program leaves %q", states)
	}

	endLeases(t, databaseURL)
	provider.set(answers)
	s = provider.production(t, databaseURL)
	s.WaitFor(t, "both are sent", func() bool { return provider.messages(waiting) == 1 && provider.messages(claimed) == 1 })

	provider.set(takesSilently)
	before := provider.requests()
	s.sendCode(t, taken)
	s.WaitFor(t, "the provider has it", func() bool { return provider.requests() == before+1 })
	s.Kill()
	endLeases(t, databaseURL)
	provider.set(answers)
	s = provider.production(t, databaseURL)
	s.WaitFor(t, "it is sent again", func() bool { return provider.messages(taken) == 2 })
	s.sendCode(t, "01044444444") // which is sent behind all that waits
	s.WaitFor(t, "the last is sent", func() bool { return provider.messages("01044444444") == 1 })
	s.Kill()
	endLeases(t, databaseURL)
	s = provider.production(t, databaseURL)
	s.sendCode(t, "01055555555")
	s.WaitFor(t, "the last is sent", func() bool { return provider.messages("01055555555") == 1 })
	for number, want := range map[string]int{waiting: 1, claimed: 1, taken: 2} {
		if n := provider.messages(number); n != want {
			t.Errorf("%s got %d messages, want %d", number, n, want)
		}
	}
	s.Kill()
	for _, number := range []string{waiting, claimed, taken} {
		if states := statesOf(t, databaseURL, number); len(states) != 1 || states[0] == "pending" {
			t.Errorf("the messages to %s are %q", number, states)
		}
	}
}

// TestProviderGoesSilentOnceItHasAMessage: the message comes twice at most, and whoever may
// see it is shown that nobody knows.
func TestProviderGoesSilentOnceItHasAMessage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		again behaviour
		state entmessage.State
	}{
		"once":  {answers, entmessage.StateSent},
		"twice": {takesAndHangsUp, entmessage.StateDead},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const number = "01011111111"
			provider := startSolapi(t)
			provider.set(takesAndHangsUp)
			s := provider.startInside(t)
			s.Data(t, "", fmt.Sprintf(askForCode, "+82"+number[1:]), nil, &struct{}{})
			waitForMessage(t, s, "it failed", entmessage.LastErrorNotNil(), entmessage.LeasedUntilIsNil())
			provider.set(c.again)
			for range 5 {
				s.Clock.Add(20 * time.Second)
				deliver(t, s)
			}
			if n := provider.messages(number); n != 2 {
				t.Errorf("it came %d times", n)
			}
			row, err := s.App.Store.Read().Message.Query().Only(t.Context())
			if err != nil || row.State != c.state {
				t.Errorf("the message is %v, %v", row, err)
			}
		})
	}
}

// waitForMessage waits until there is a message of which all of it holds.
func waitForMessage(t *testing.T, s *apptest.Server, what string, holds ...predicate.Message) {
	t.Helper()
	testutil.WaitFor(t, what, func() bool {
		found, err := s.App.Store.Read().Message.Query().Where(holds...).Exist(t.Context())
		return err == nil && found
	})
}

// signUp signs a parent up by the SMS that the provider gets.
func (p *solapi) signUp(t *testing.T, s *apptest.Server, national string) (token string) {
	t.Helper()
	phone := "+82" + national[1:]
	s.Data(t, "", fmt.Sprintf(askForCode, phone), nil, &struct{}{})
	code := regexp.MustCompile(`[0-9]{6}`).FindString(testutil.Receive(t, "the code", p.texts))
	valid, err := s.App.Auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: code})
	if err != nil {
		t.Fatal(err)
	}
	done, err := s.App.Accounts.SignUps.ByEmail(t.Context(), account.SignUpParams{
		ValidToken: valid, Email: "parent@example.com", Password: "secret123",
		Person: account.Person{FirstName: "james", LastName: "kim", Birthdate: "1997-01-01", Gender: "M", Phone: phone, NationalCode: "KR"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return done.Tokens.AccessToken
}

// TestRequestsThatAreRepeated: one intent is one message, however often the app asks and
// whatever answers got lost.
func TestRequestsThatAreRepeated(t *testing.T) {
	t.Parallel()
	const number = "01011111111"
	provider := startSolapi(t)
	s := provider.startInside(t)
	token := provider.signUp(t, s, number)
	before := provider.messages(number)
	for _, err := range testutil.Concurrently(8, func(int) error {
		if response := s.Call(t, http.MethodPost, "/api/v1/lux/device/alimtalk", token, ""); response.Status != http.StatusOK {
			return fmt.Errorf("%d %s", response.Status, response.Body)
		}
		return nil
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	s.Data(t, token, `mutation { sendImpedanceAlert { ok } }`, nil, &struct{}{})
	testutil.WaitFor(t, "the alert is sent", func() bool { return provider.messages(number) > before })
	deliver(t, s)
	if n := provider.messages(number) - before; n != 1 {
		t.Errorf("%d alerts", n)
	}
}

// TestClockJumps: a message that the clock passed by is not sent, and one that the clock
// left behind does not wait for it. Each person gets one message.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	const forward, backward = "01011111111", "01033333333"
	provider := startSolapi(t)
	provider.set(isDown)
	s := provider.startInside(t)
	send := func(number string) {
		t.Helper()
		s.Data(t, "", fmt.Sprintf(askForCode, "+82"+number[1:]), nil, &struct{}{})
		waitForMessage(t, s, "it failed", entmessage.To("+82"+number[1:]), entmessage.LastErrorNotNil(), entmessage.LeasedUntilIsNil())
	}
	send(forward)
	s.Clock.Add(24 * time.Hour) // past the expiry of the code
	provider.set(answers)
	deliver(t, s)
	s.Data(t, "", fmt.Sprintf(askForCode, "+82"+forward[1:]), nil, &struct{}{})
	testutil.WaitFor(t, "the new code is sent", func() bool { return provider.messages(forward) == 1 })

	provider.set(isDown)
	send(backward)
	s.Clock.Add(-24 * time.Hour)
	provider.set(answers)
	deliver(t, s)
	testutil.WaitFor(t, "the code is sent", func() bool { return provider.messages(backward) == 1 })
	s.Clock.Add(24 * time.Hour)
	deliver(t, s)
	for number, want := range map[string]int{forward: 1, backward: 1} {
		if n := provider.messages(number); n != want {
			t.Errorf("%s got %d messages, want %d", number, n, want)
		}
	}
}

// deliver does what the worker does when its time comes.
func deliver(t *testing.T, s *apptest.Server) {
	t.Helper()
	if _, err := s.App.Outbox.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
}
