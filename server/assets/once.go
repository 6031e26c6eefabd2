package assets

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"sync"
	"time"
)

// Once serves what is made once, when it is first asked for, because a start needn't wait
// for it. What is made depends on the program and its settings alone, so a test that reads
// it shows that it can be made; if it can't, the answer is 500 without a body.
func Once(contentType string, content func() ([]byte, error)) http.Handler {
	type tagged struct {
		body []byte
		tag  string
	}
	made := sync.OnceValues(func() (tagged, error) {
		body, err := content()
		sum := sha256.Sum256(body)
		// The tag is weak, because the content has the same one in every encoding.
		return tagged{body, `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}, err
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served, err := made()
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", served.tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(served.body))
	})
}
