package app_test

import (
	"encoding/json"
	"testing"

	"luxbff/internal/testutil/apptest"
)

// run executes one operation of a sample document.
func run(t *testing.T, s *apptest.Server, token, name, operation string, variables map[string]any, out any) {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"query": apptest.Sample(t, name).Document, "operationName": operation, "variables": variables,
	})
	if err != nil {
		t.Fatal(err)
	}
	response := s.Call(t, "POST", "/graphql", token, string(body))
	reply := struct {
		Data   any
		Errors []apptest.GraphQLError
	}{Data: out}
	if err := json.Unmarshal(response.Body, &reply); err != nil || len(reply.Errors) > 0 {
		t.Fatalf("%s: %s", operation, response.Body)
	}
}

// variables are those that the sample comes with, some of them filled in.
func variables(t *testing.T, name string) map[string]any {
	t.Helper()
	values := map[string]any{}
	if err := json.Unmarshal([]byte(apptest.Sample(t, name).Variables), &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// TestSampleOperations takes a parent through the sample documents, in order.
// The subscription's has a test of its own, on a socket.
func TestSampleOperations(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	v := variables(t, "sign-up")
	phone, _ := v["phone"].(string)
	signUp, _ := v["signUp"].(map[string]any)
	run(t, s, "", "sign-up", "SendCode", v, &struct{}{})
	v["code"] = s.LastCode(t, phone)
	var verified struct{ VerifySmsCode struct{ ValidToken string } }
	run(t, s, "", "sign-up", "VerifyCode", v, &verified)
	signUp["validToken"] = verified.VerifySmsCode.ValidToken
	var signed struct {
		SignUp struct{ Tokens struct{ AccessToken string } }
	}
	run(t, s, "", "sign-up", "SignUp", v, &signed)
	token := signed.SignUp.Tokens.AccessToken
	grow(t, s, token, 0, 1)

	v = variables(t, "upload")
	logs, _ := v["logs"].([]any)
	first, _ := logs[0].(map[string]any)
	first["uniqueId"] = "unique0"
	run(t, s, token, "upload", "Upload", v, &struct{}{})

	var home struct {
		ChildUsers []struct{ Device struct{ LastLogFileID int } }
	}
	run(t, s, token, "home", "Home", nil, &home)
	if len(home.ChildUsers) != 1 || home.ChildUsers[0].Device.LastLogFileID != 8 {
		t.Errorf("home: %+v", home)
	}
	var history struct {
		ChildUser struct {
			Devlogs struct {
				Edges []struct{ Node struct{ LogFileID int } }
			}
		}
	}
	run(t, s, token, "history", "History", variables(t, "history"), &history)
	if edges := history.ChildUser.Devlogs.Edges; len(edges) != 1 || edges[0].Node.LogFileID != 8 {
		t.Errorf("history: %+v", history)
	}
	run(t, s, token, "changes", "Changes", variables(t, "changes"), &history)
	if edges := history.ChildUser.Devlogs.Edges; len(edges) != 1 || edges[0].Node.LogFileID != 8 {
		t.Errorf("changes: %+v", history)
	}
}
