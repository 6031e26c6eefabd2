package gqlhttp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"luxbff/internal/testutil/documenttest"
	"luxbff/server/gqlhttp"
	"luxbff/test/sampleschema"
)

// TestRandomDocuments sends documents and variables that are drawn from the schema. None
// may make the program fail: whatever a client sends is answered with data or with an
// error that is the client's, and nothing is logged. The resolvers of this schema that
// fail on purpose are left out.
func TestRandomDocuments(t *testing.T) {
	t.Parallel()
	rapid.Check(t, randomDocuments())
}

// FuzzDocuments draws the same documents under the direction of the fuzzer.
func FuzzDocuments(f *testing.F) { f.Fuzz(rapid.MakeFuzz(randomDocuments())) }

func randomDocuments() func(t *rapid.T) {
	schema := sampleschema.NewSchema()
	source := documenttest.Source{Schema: schema.Schema(), Leave: []string{"fail", "failHard"}, Texts: []string{"5"}}
	return func(t *rapid.T) {
		var log bytes.Buffer
		server := gqlhttp.New(schema, gqlhttp.Config{
			Introspection: true, Logger: slog.New(slog.NewJSONHandler(&log, nil)),
		})
		body, err := json.Marshal(source.Draw(t))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		recorder := httptest.NewRecorder()
		server.ServeHTTP(recorder, call{body: string(body)}.request().WithContext(ctx))
		var answer struct {
			Data   json.RawMessage
			Errors []failure
		}
		if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%s\n%v in %s", body, err, recorder.Body)
		}
		isInternal := slices.ContainsFunc(answer.Errors, func(f failure) bool {
			return f.Extensions.Code == "INTERNAL" || f.Extensions.Code == ""
		})
		if recorder.Code >= 500 || isInternal || log.Len() > 0 || (answer.Data == nil && answer.Errors == nil) {
			t.Fatalf("%s\ngot %d %s\nlogged %s", body, recorder.Code, recorder.Body, &log)
		}
	}
}
