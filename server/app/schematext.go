package app

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"time"

	"luxbff/graph"
)

// schemaText serves the schema as SDL, which code generators of apps download. It is made
// when it is first asked for, because a start needn't wait for it, and never changes while
// the program runs.
func schemaText() http.Handler {
	type tagged struct{ text, tag string }
	schema := sync.OnceValue(func() tagged {
		text := graph.SDL()
		sum := sha256.Sum256([]byte(text))
		// The tag is weak, because the text has the same one in every encoding.
		return tagged{text, `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served := schema()
		w.Header().Set("Content-Type", "application/graphql; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", served.tag)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(served.text))
	})
}
