// Package fcmtest stands in for Firebase Cloud Messaging in tests, on loopback: it hands out
// access tokens for a service account whose signature it checks, and takes messages by them
// or gives the answers that the test asks for. It imports nothing of the project.
package fcmtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
)

// What names the service account.
const (
	projectID = "luxbff-test"
	email     = "sender@luxbff-test.example.com"
	keyID     = "key-1"
)

// Server is a project of Firebase.
type Server struct {
	// URL is both the address of FCM and that of the access tokens.
	URL string
	// Credentials is the JSON of the service account, and CredentialsPath a file with it.
	Credentials     []byte
	CredentialsPath string

	key *rsa.PrivateKey
	got chan Message

	mu      sync.Mutex
	answers []Answer
	access  []Answer
	issued  int // the number of the access token that holds
}

// Message is one that was sent to FCM, whatever it answered.
type Message struct {
	Token, Title, Body, Purpose string
	// AndroidTag and AppleTag are by what a phone knows a repeat.
	AndroidTag, AppleTag string
}

// Answer is what FCM says.
type Answer struct {
	Status     int
	RetryAfter string
	Body       string
	// IsCut closes the connection without an answer, once the message was read.
	IsCut bool
	// IsSilent keeps it open without an answer, until the client goes away.
	IsSilent bool
}

// Refused is the answer of FCM with one of its error codes.
func Refused(status int, googleStatus, errorCode, text string) Answer {
	body, _ := json.Marshal(map[string]any{"error": map[string]any{
		"code": status, "status": googleStatus, "message": text,
		"details": []any{map[string]string{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": errorCode}},
	}})
	return Answer{Status: status, Body: string(body)}
}

// Unregistered is the answer for a token that no app has any more.
func Unregistered() Answer {
	return Refused(http.StatusNotFound, "NOT_FOUND", "UNREGISTERED", "Requested entity was not found.")
}

// Start starts a project, which takes every message until it is asked otherwise.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{got: make(chan Message, 1000)}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.URL = server.URL
	var err error
	if s.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		t.Fatal(err)
	}
	s.Credentials, err = json.Marshal(map[string]string{
		"type": "service_account", "project_id": projectID, "private_key_id": keyID, "client_email": email,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"token_uri":   s.URL + "/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	s.CredentialsPath = filepath.Join(t.TempDir(), "service-account.json")
	if err := os.WriteFile(s.CredentialsPath, s.Credentials, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// Answer gives these answers to the next messages, one each.
func (s *Server) Answer(next ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, next...)
}

// AnswerAccess gives these answers to the next requests for an access token.
func (s *Server) AnswerAccess(next ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access = append(s.access, next...)
}

// Revoke has the access token that was handed out last open nothing any more.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued++
}

// Issued counts the access tokens that were handed out or revoked.
func (s *Server) Issued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issued
}

// Next waits for the next message.
func (s *Server) Next() Message { return <-s.got }

// Waiting counts the messages that were sent and not taken by Next.
func (s *Server) Waiting() int { return len(s.got) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method + " " + r.URL.Path {
	case "POST /token":
		s.serveToken(w, r)
	case "POST /v1/projects/" + projectID + "/messages:send":
		s.serveMessage(w, r)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// serveToken hands out an access token for a signature (RFC 7523).
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	if len(s.access) > 0 {
		next := s.access[0]
		s.access = s.access[1:]
		next.write(w)
		return
	}
	assertion := []byte(r.PostFormValue("assertion"))
	claims := struct {
		Issuer    string `json:"iss"`
		Scope     string `json:"scope"`
		Audience  string `json:"aud"`
		IssuedAt  int64  `json:"iat"`
		ExpiresAt int64  `json:"exp"`
	}{}
	parsed, err := jws.Parse(assertion)
	isKnownKey := err == nil && len(parsed.Signatures()) == 1
	if isKnownKey {
		id, _ := parsed.Signatures()[0].ProtectedHeaders().KeyID()
		isKnownKey = id == keyID
	}
	payload, err := jws.Verify(assertion, jws.WithKey(jwa.RS256(), s.key.PublicKey))
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil || !isKnownKey || r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || claims.Issuer != email ||
		claims.Audience != s.URL+"/token" || claims.Scope != "https://www.googleapis.com/auth/firebase.messaging" || claims.ExpiresAt-claims.IssuedAt != 3600 {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}`))
		return
	}
	s.issued++
	_, _ = fmt.Fprintf(w, `{"access_token": "access-%d", "expires_in": 3599, "token_type": "Bearer"}`, s.issued)
}

func (s *Server) serveMessage(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != fmt.Sprintf("Bearer access-%d", s.issued) {
		Refused(http.StatusUnauthorized, "UNAUTHENTICATED", "", "Request had invalid authentication credentials.").write(w)
		return
	}
	var sent struct {
		Message struct {
			Token        string
			Notification struct{ Title, Body string }
			Data         struct{ Purpose string }
			Android      struct{ Notification struct{ Tag string } }
			APNS         struct{ Headers map[string]string }
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&sent); err != nil || sent.Message.Token == "" {
		Refused(http.StatusBadRequest, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "Request contains an invalid argument.").write(w)
		return
	}
	m := sent.Message
	answer := Answer{Status: http.StatusOK, Body: `{"name": "projects/` + projectID + `/messages/0:1500415314455276%31bd1c9631bd1c96"}`}
	if len(s.answers) > 0 {
		answer = s.answers[0]
		s.answers = s.answers[1:]
	}
	s.got <- Message{m.Token, m.Notification.Title, m.Notification.Body, m.Data.Purpose, m.Android.Notification.Tag, m.APNS.Headers["apns-collapse-id"]}
	if answer.IsSilent {
		<-r.Context().Done()
	}
	answer.write(w)
}

func (a Answer) write(w http.ResponseWriter) {
	if a.IsCut {
		panic(http.ErrAbortHandler)
	}
	if a.RetryAfter != "" {
		w.Header().Set("Retry-After", a.RetryAfter)
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write([]byte(a.Body))
}
