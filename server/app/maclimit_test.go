package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"luxbff/internal/testutil/apptest"
)

// deviceGuess sends a guess at a device and gives what came back: the error as the
// surface writes it, or nothing where the guess was right.
type deviceGuess func(t *testing.T, s *apptest.Server, token, serial, mac string) (problem string, retryAfter time.Duration)

// deviceGuesses are the ways to name a device by its serial code and MAC. The account has
// the child 1, which has no device.
func deviceGuesses() map[string]deviceGuess {
	overREST := func(prefix string, request func(serial, mac string) (path, body string)) deviceGuess {
		return func(t *testing.T, s *apptest.Server, token, serial, mac string) (string, time.Duration) {
			t.Helper()
			path, body := request(serial, mac)
			response := s.Call(t, http.MethodPost, prefix+path, token, body)
			if response.Status == http.StatusOK {
				return "", 0
			}
			wait, _ := time.ParseDuration(response.Header.Get("Retry-After") + "s")
			return fmt.Sprint(response.Status, " ", strings.TrimSpace(string(response.Body))), wait
		}
	}
	overGraphQL := func(mutation string) deviceGuess {
		return func(t *testing.T, s *apptest.Server, token, serial, mac string) (string, time.Duration) {
			t.Helper()
			response := s.Call(t, http.MethodPost, "/graphql", token, string(raw(t, map[string]any{"query": fmt.Sprintf(mutation, serial, mac)})))
			var reply struct {
				Errors []struct {
					Extensions struct{ RetryAfterMs int64 }
				}
			}
			if err := json.Unmarshal(response.Body, &reply); err != nil {
				t.Fatalf("%d %s", response.Status, response.Body)
			}
			if len(reply.Errors) == 0 {
				return "", 0
			}
			return string(response.Body), time.Duration(reply.Errors[0].Extensions.RetryAfterMs) * time.Millisecond
		}
	}
	create := func(serial, mac string) (path, body string) {
		return "/user/create-real-user", fmt.Sprintf(`{"first_name": "a", "last_name": "", "birthdate": "19970101", "gender": "F",
			"serial_code": %q, "mac_id": %q, "unique_id": "guessed"}`, serial, mac)
	}
	register := func(serial, mac string) (path, body string) {
		return fmt.Sprintf("/device/set-my-device?serial_code=%s&mac_id=%s&unique_id=guessed&real_user_id=1", serial, mac), ""
	}
	return map[string]deviceGuess{
		"createChildUser": overGraphQL(`mutation { createChildUser(input: {firstName: "a", lastName: "", birthdate: "1997-01-01",
			gender: FEMALE, serialCode: %q, macId: %q, uniqueId: "guessed"}) { childUser { id } } }`),
		"registerDevice": overGraphQL(`mutation { registerDevice(input: {childUserId: 1, serialCode: %q, macId: %q, uniqueId: "guessed"}) { device { id } } }`),

		"LUX create-real-user":     overREST(apptest.LUX, create),
		"LUX set-my-device":        overREST(apptest.LUX, register),
		"Addnox create-real-user":  overREST("/api/v1/addnox", create),
		"Addnox set-my-device":     overREST("/api/v1/addnox", register),
		"Withnox create-real-user": overREST("/api/v1/withnox", create),
		"Withnox set-my-device":    overREST("/api/v1/withnox", register),
	}
}

// parentWithBareChild signs up an account whose child has no device.
func parentWithBareChild(t *testing.T, s *apptest.Server) (token string) {
	t.Helper()
	token, _ = s.Parent(t)
	made := s.CreateChild(t, token)
	s.Data(t, token, `mutation($child: ID!, $unique: String!) { unregisterDevice(input: {childUserId: $child, uniqueId: $unique}) { device { id } } }`,
		map[string]any{"child": made.ID, "unique": made.UniqueID}, &struct{}{})
	return token
}

// TestGuessesAtAMACAreLimited guesses at one serial code on every way to name a device:
// ten go wrong, the eleventh and even the right MAC are put off, and five minutes later
// one may try again.
func TestGuessesAtAMACAreLimited(t *testing.T) {
	t.Parallel()
	for name, guess := range deviceGuesses() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startLimited(t, "")
			token := parentWithBareChild(t, s)
			s.AddDevices(t, "SL20401000,00:80:E1:27:41:AD", "SL20401001,00:80:E1:27:41:AE")
			for i := range 10 {
				if problem, wait := guess(t, s, token, "SL20401000", fmt.Sprintf("%04X", i)); wait != 0 || problem == "" {
					t.Fatalf("guess %d: %q, wait %v", i, problem, wait)
				}
			}
			other, _ := s.Parent(t)
			for who, bearer := range map[string]string{"the same account": token, "another account": other} {
				for _, mac := range []string{"FFFF", "41AD"} {
					if problem, wait := guess(t, s, bearer, "SL20401000", mac); wait != 5*time.Minute {
						t.Errorf("%s tries %s after ten guesses: %q, wait %v", who, mac, problem, wait)
					}
				}
			}
			if moved := readMetrics(t, s)[`luxbff_rate_limited_total{limit="device"}`]; moved != 4 {
				t.Errorf("the metric counts %v refused guesses, want 4", moved)
			}
			s.Clock.Add(5 * time.Minute)
			if problem, wait := guess(t, s, token, "SL20401000", "41AD"); problem != "" {
				t.Errorf("the right MAC five minutes later: %q, wait %v", problem, wait)
			}
		})
	}
}

// TestAnUnknownSerialCodeLooksLikeAWrongMAC compares all that a stranger gets for a serial
// code that no device has with what comes for a wrong MAC, up to and behind the limits.
func TestAnUnknownSerialCodeLooksLikeAWrongMAC(t *testing.T) {
	t.Parallel()
	for name, guess := range deviceGuesses() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startLimited(t, "")
			s.AddDevices(t, "SL20401000,00:80:E1:27:41:AD")
			token := parentWithBareChild(t, s)
			for i := range 10 {
				known, _ := guess(t, s, token, "SL20401000", "FFFF")
				unknown, _ := guess(t, s, token, "SL99999999", "FFFF")
				if known != unknown || known == "" {
					t.Fatalf("guess %d: a wrong MAC gets %s, an unknown serial code %s", i, known, unknown)
				}
			}
			// A new serial code each time does not help the account, which has used its twenty.
			if problem, wait := guess(t, s, token, "SL99999998", "FFFF"); wait != 5*time.Minute {
				t.Errorf("the 21st guess of the account: %q, wait %v", problem, wait)
			}
			other, _ := s.Parent(t)
			known, _ := guess(t, s, other, "SL20401000", "FFFF")
			unknown, _ := guess(t, s, other, "SL99999999", "FFFF")
			if known != unknown || !strings.Contains(strings.ToLower(known), "too") {
				t.Errorf("behind the limit a wrong MAC gets %s, an unknown serial code %s", known, unknown)
			}
			if moved := readMetrics(t, s)[`luxbff_rate_limited_total{limit="device-account"}`]; moved != 1 {
				t.Errorf("the metric counts %v refused guesses of the account, want 1", moved)
			}
		})
	}
}

// TestARightMACCostsNothing registers the device of a family again and again.
func TestARightMACCostsNothing(t *testing.T) {
	t.Parallel()
	s := startLimited(t, "")
	token := parentWithBareChild(t, s)
	s.AddDevices(t, "SL20401000,00:80:E1:27:41:AD")
	register := deviceGuesses()["registerDevice"]
	for i := range 50 {
		if problem, _ := register(t, s, token, "SL20401000", "41AD"); problem != "" {
			t.Fatalf("registration %d: %s", i, problem)
		}
	}
	for i := range 10 {
		if _, wait := register(t, s, token, "SL20401000", "FFFF"); wait != 0 {
			t.Fatalf("guess %d waits %v", i, wait)
		}
	}
}

// TestUnknownUniqueIDsAreLimited asks for ids that no device has, over GraphQL in one
// request and over REST: 120 are answered, the next of the account is put off, and its own
// device and one that nobody has cost nothing.
func TestUnknownUniqueIDsAreLimited(t *testing.T) {
	t.Parallel()
	s := startLimited(t, "")
	token, _ := s.Parent(t)
	own := s.CreateChild(t, token)
	check := func(bearer, surface, uniqueID string) apptest.Response {
		return s.Call(t, http.MethodGet, surface+"/device/check-device?unique_id="+uniqueID, bearer, "")
	}
	for range 150 {
		if got := check(token, apptest.LUX, own.UniqueID); got.Status != http.StatusOK {
			t.Fatalf("the account's own device: %d %s", got.Status, got.Body)
		}
	}
	for i := range 40 {
		for _, surface := range []string{apptest.LUX, "/api/v1/addnox"} {
			if got := check(token, surface, fmt.Sprint("unknown-", i)); got.Status != http.StatusNotFound {
				t.Fatalf("try %d on %s: %d %s", i, surface, got.Status, got.Body)
			}
		}
	}
	guess := func(from, to int) string {
		var fields strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&fields, "a%d: checkDevice(uniqueId: \"guess-%d\") {status} ", i, i)
		}
		return string(s.Call(t, http.MethodPost, "/graphql", token, string(raw(t, map[string]any{"query": "{" + fields.String() + "}"}))).Body)
	}
	guess(0, 30)
	if got := guess(0, 15); strings.Count(got, "NOT_FOUND_DEVICE") != 10 || strings.Count(got, "TOO_MANY_REQUESTS") != 5 {
		t.Errorf("the 111th to 125th try: %s", got)
	}
	for surface, want := range map[string]string{apptest.LUX: "10", "/api/v1/addnox": "10"} {
		if got := check(token, surface, "unknown"); got.Status != http.StatusTooManyRequests || got.Header.Get("Retry-After") != want {
			t.Errorf("the next on %s: %d %s, wait %s", surface, got.Status, got.Body, got.Header.Get("Retry-After"))
		}
	}
	other, _ := s.Parent(t)
	if got := check(other, apptest.LUX, "unknown"); got.Status != http.StatusNotFound {
		t.Errorf("another account: %d %s", got.Status, got.Body)
	}
	if moved := readMetrics(t, s)[`luxbff_rate_limited_total{limit="unique-id"}`]; moved != 7 {
		t.Errorf("the metric counts %v refused tries, want 7", moved)
	}
	s.Clock.Add(10 * time.Second)
	if got := check(token, apptest.LUX, own.UniqueID); got.Status != http.StatusOK {
		t.Errorf("the own device ten seconds later: %d %s", got.Status, got.Body)
	}
}
