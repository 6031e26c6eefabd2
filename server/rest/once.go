package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"luxbff/internal/apperr"
	"luxbff/internal/idempotency"
	"luxbff/internal/viewer"
	"luxbff/server/httpbody"
)

const (
	// idempotencyKey is the header by which a client names an action, so that it can send
	// the request again (the draft of the IETF's HTTPAPI group).
	idempotencyKey = "Idempotency-Key"
	// idempotencyReplayed is the header of an answer that was given before.
	idempotencyReplayed = "Idempotency-Replayed"
)

// writes reports whether the route may change anything. The others pass over a key.
func (r Route) writes() bool { return r.Method != http.MethodGet }

// serveOnce serves a request that has an idempotency key, or gives the answer that it got
// before.
func (a *API) serveOnce(w http.ResponseWriter, r *http.Request, s Surface, route Route) {
	v, err := viewer.From(r.Context())
	if err != nil && route.access == accessToken {
		_ = a.serve(w, r, s, route) // it is refused, whatever else it says
		return
	}
	key, err := idempotency.ParseKeys(r.Header[idempotencyKey])
	if err != nil {
		a.writeError(w, r, s, err)
		return
	}
	r, digest, err := digestOf(r, route)
	if err != nil {
		a.writeError(w, r, s, err)
		return
	}
	request := idempotency.Request{RootUserID: v.RootUserID(), Key: key, Digest: digest}
	answer, isReplayed, err := a.Once.Do(r.Context(), request, func(ctx context.Context) idempotency.Answer {
		kept := recorder{ResponseWriter: w}
		outcome := idempotency.Done
		// The status of the kind counts: SNUTT has others for some.
		if err := a.serve(&kept, r.WithContext(ctx), s, route); err != nil {
			outcome = idempotency.OutcomeOf(apperr.From(err).Status())
		}
		return idempotency.Answer{Status: kept.status, Body: kept.body.Bytes(), Outcome: outcome}
	})
	if err != nil {
		a.writeError(w, r, s, err)
		return
	}
	if isReplayed {
		setHeader(w.Header())
		w.Header().Set(idempotencyReplayed, "true")
	}
	w.WriteHeader(answer.Status)
	// The status is sent, and a client that hung up can ask again.
	_, _ = w.Write(answer.Body)
}

// recorder keeps the answer of a route, whose header goes out with it.
type recorder struct {
	http.ResponseWriter

	status int
	body   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (k *recorder) WriteHeader(status int) { k.status = status }

// Write implements http.ResponseWriter.
func (k *recorder) Write(text []byte) (int, error) { return k.body.Write(text) }

// digestOf reads the body, which a request can be asked for once, and gives a request that
// still has it, with the digest of all that the route goes by.
func digestOf(r *http.Request, route Route) (*http.Request, [32]byte, error) {
	parts := []string{"REST", r.Method, r.URL.Path, r.URL.RawQuery}
	if values := r.URL.Query(); len(values) > 0 {
		parts[3] = values.Encode() // in the order of the names
	}
	if route.access == validToken {
		parts = append(parts, Bearer(r))
	}
	if !objectOf(route.request).usesBody {
		return r, idempotency.Digest(parts...), nil
	}
	var raw bytes.Buffer
	if err := httpbody.ReadInto(&raw, r, maxBody); err != nil {
		return r, [32]byte{}, err
	}
	again := r.WithContext(r.Context())
	again.Header = r.Header.Clone()
	again.Header.Del("Content-Encoding")
	text := raw.Bytes()
	rewind := func() {
		again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	}
	rewind()
	canonical := canonicalBody(again, text)
	rewind()
	return again, idempotency.Digest(append(parts, canonical)...), nil
}

// canonicalBody gives the same text for bodies that say the same: the libraries of some phones
// write the members of an object in another order each time, and every form of several parts
// has a border of its own.
func canonicalBody(r *http.Request, text []byte) string {
	read, err := readBody(r)
	if err != nil {
		return string(text) // it will be refused
	}
	var value any = read.form
	if read.form == nil {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		if err := decoder.Decode(&value); err != nil {
			return string(text)
		}
	}
	canonical, err := json.Marshal(value)
	if err != nil {
		return string(text)
	}
	return string(canonical)
}
