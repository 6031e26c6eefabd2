package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"luxbff/internal/demo"
	"luxbff/internal/testutil/processtest"
)

// server is the program, running as a process of its own, and what a client asks
// of it.
type server struct{ *processtest.Process }

// command runs the program on a SQLite file.
func command(t *testing.T, file string, args ...string) *exec.Cmd {
	t.Helper()
	return processtest.Command(t, "file:"+file, args...)
}

// startOnFile starts a server on a SQLite file and waits until it is ready.
func startOnFile(t *testing.T, file string) *server {
	t.Helper()
	return start(t, command(t, file))
}

// startOn starts a server on the database at a URL and waits until it is ready.
func startOn(t *testing.T, databaseURL string) *server {
	t.Helper()
	return start(t, processtest.Command(t, databaseURL))
}

// start starts a server and waits until it is ready.
func start(t *testing.T, serve *exec.Cmd) *server {
	t.Helper()
	return &server{processtest.Start(t, serve)}
}

// post sends JSON and gives status and body; an error is a lost connection.
func post(url, token, body string) (status int, response []byte, err error) {
	return processtest.Post(url, token, body)
}

// execute runs an operation, decodes its data, and gives the code of its first
// error, empty if there is none.
func (s *server) execute(t *testing.T, token, query string, data any) (code string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	status, raw, err := post(s.URL+"/graphql", token, string(body))
	if err != nil {
		t.Fatal(err)
	}
	response := struct {
		Data   any
		Errors []struct{ Extensions struct{ Code string } }
	}{Data: data}
	if err := json.Unmarshal(raw, &response); err != nil {
		t.Fatalf("%d %s: %v", status, raw, err)
	}
	if len(response.Errors) > 0 {
		return response.Errors[0].Extensions.Code
	}
	return ""
}

// graphQL runs an operation that must succeed, and decodes its data.
func (s *server) graphQL(t *testing.T, token, query string, data any) {
	t.Helper()
	if code := s.execute(t, token, query, data); code != "" {
		t.Fatalf("%s: %s", query, code)
	}
}

// signIn signs in the parent of the demo family.
func (s *server) signIn(t *testing.T) (token string) {
	t.Helper()
	var data struct {
		SignIn struct{ Tokens struct{ AccessToken string } }
	}
	s.graphQL(t, "", fmt.Sprintf(
		`mutation { signIn(input: {email: %q, password: %q}) { tokens { accessToken } } }`, demo.Email, demo.Password), &data)
	return data.SignIn.Tokens.AccessToken
}

// waitForReadiness waits until /readyz answers so.
func (s *server) waitForReadiness(t *testing.T, status int, body string) {
	t.Helper()
	s.WaitFor(t, "/readyz answers "+body, func() bool {
		response, err := http.Get(s.URL + "/readyz")
		if err != nil {
			return false
		}
		raw, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		return err == nil && response.StatusCode == status && strings.Contains(string(raw), body)
	})
}

// uploadPath is the route by which most apps upload device logs.
const uploadPath = "/api/v1/lux/device/devlog"

// record is a complete log of the demo family's first child, but for its number.
const record = `{"real_user_id": 1, "device_id": 1, "unique_id": "5b0d2c56-0e0f-4b4e-9d57-6a0d7c1f0001",
	"detail_data": {"treatment_date": "2025-02-14T15:48:49", "finish_flag": 1, "last_intensity": 1, "treatment_time": 60},
	"log_file_id": %d}`

// uploadOne uploads one record.
func (s *server) uploadOne(t *testing.T, token string, file int) {
	t.Helper()
	status, raw, err := post(s.URL+uploadPath, token, fmt.Sprintf(`{"log_arrays": [`+record+`]}`, file))
	if err != nil || status != http.StatusOK {
		t.Fatalf("upload: %d %s %v", status, raw, err)
	}
}
