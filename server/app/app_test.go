package app_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/storetest"
	"luxbff/server/app"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func TestProductionRefusesInsecureSettings(t *testing.T) {
	t.Parallel()
	good := app.Config{Env: "production", TokenKeys: "k:x", PublicURL: "https://api.example.com"}
	if err := good.Check(); err != nil {
		t.Errorf("good settings are refused: %v", err)
	}
	for name, spoil := range map[string]func(*app.Config){
		"TOKEN_KEYS":  func(c *app.Config) { c.TokenKeys = "" },
		"PUBLIC_URL":  func(c *app.Config) { c.PublicURL = "http://api.example.com" },
		"RATE_LIMITS": func(c *app.Config) { c.RateLimits = "off" },
	} {
		bad := good
		spoil(&bad)
		if err := bad.Check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		bad.Env = "development"
		if err := bad.Check(); err != nil {
			t.Errorf("development refuses %s: %v", name, err)
		}
	}
}

func TestHealthKeysAndOutbox(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		if a := s.Call(t, http.MethodGet, path, "", ""); a.Status != http.StatusOK {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
	var keys struct {
		Keys []struct{ Kid, Kty, Crv, X, D string }
	}
	a := s.Call(t, http.MethodGet, "/.well-known/jwks.json", "", "")
	if err := json.Unmarshal(a.Body, &keys); err != nil || len(keys.Keys) != 1 {
		t.Fatalf("jwks: %s %v", a.Body, err)
	}
	if k := keys.Keys[0]; k.Kty != "OKP" || k.Crv != "Ed25519" || k.Kid == "" || k.X == "" || k.D != "" {
		t.Errorf("key %+v", k)
	}
	s.Parent(t)
	s.Parent(t)
	var sent []struct {
		Channel, To, Text string
		CreatedAt         string `json:"created_at"`
	}
	a = s.Call(t, http.MethodGet, "/dev/outbox?to=%2B821010000001", "", "")
	if err := json.Unmarshal(a.Body, &sent); err != nil || len(sent) != 1 || sent[0].Channel != "sms" || sent[0].To != "+821010000001" {
		t.Errorf("outbox: %s %v", a.Body, err)
	}
}

func TestErrorsCarryTheirCode(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	other, _ := s.Parent(t)
	grow(t, s, other, 0, 1)
	create := `mutation($i: CreateChildUserInput!) { createChildUser(input: $i) { childUser { id } } }`
	input := map[string]any{
		"firstName": "test", "lastName": "", "birthdate": "1997-01-01", "gender": "FEMALE",
		"serialCode": "SL00000000", "macId": "0000", "uniqueId": "u",
	}
	with := func(key string, value any) map[string]any {
		changed := map[string]any{}
		for k, v := range input {
			changed[k] = v
		}
		changed[key] = value
		return map[string]any{"i": changed}
	}
	for name, c := range map[string]struct {
		token, query string
		variables    map[string]any
		code, field  string
		status       int
	}{
		"no token":           {"", `{ me { id } }`, nil, "UNAUTHENTICATED", "", 401},
		"unknown child":      {token, `{ childUser(id: 99) { id } }`, nil, "REAL_USER_IS_NOT_FOUND", "id", 404},
		"another's child":    {token, `{ childUser(id: 1) { id } }`, nil, "NOT_AUTHORIZED_USER", "id", 401},
		"taken device":       {token, create, with("uniqueId", "v"), "ALREADY_CONNECTED_DEVICE", "input.serialCode", 409},
		"wrong mac":          {token, create, with("macId", "ffff"), "NOT_FOUND_DEVICE", "input.serialCode", 404},
		"malformed serial":   {token, create, with("serialCode", "a b"), "SERIAL_CODE_IS_NOT_VALID", "input.serialCode", 400},
		"NUL in a name":      {token, create, with("firstName", "a\x00"), "INVALID_REQUEST_OR_MISSING_PARAMETERS", "input.firstName", 400},
		"born in the future": {token, create, with("birthdate", "2999-01-01"), "INVALID_REQUEST_OR_MISSING_PARAMETERS", "input.birthdate", 400},
		"foreign cursor":     {token, `subscription { devlogStatus(after: "x") { cursor } }`, nil, "", "", 0},
	} {
		reply := s.GraphQL(t, c.token, c.query, c.variables)
		if c.status == 0 {
			if len(reply.Errors) == 0 {
				t.Errorf("%s: no error", name)
			}
			continue
		}
		if len(reply.Errors) != 1 {
			t.Errorf("%s: %+v", name, reply)
			continue
		}
		e := reply.Errors[0].Extensions
		if e.Code != c.code || e.Status != c.status || e.Field != c.field {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
