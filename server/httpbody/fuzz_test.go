package httpbody_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"luxbff/internal/apperr"
	"luxbff/internal/testutil/gziptest"
	"luxbff/internal/testutil/zstdtest"
	"luxbff/server/httpbody"
)

func FuzzGzip(f *testing.F) { fuzzCompressed(f, "gzip", gziptest.Compress) }

func FuzzZstd(f *testing.F) {
	f.Add([]byte(zstdtest.Stream(f, "{}")))
	fuzzCompressed(f, "zstd", zstdtest.Compress)
}

// fuzzCompressed holds that a compressed body is read as the plain one is, that nothing longer
// than the limit comes out of any archive, and that one which is broken is never an error
// of ours.
func fuzzCompressed(f *testing.F, encoding string, compress func(testing.TB, string) string) {
	f.Helper()
	const limit = 1 << 10
	compressed := func(t testing.TB, body []byte) []byte {
		t.Helper()
		return []byte(compress(t, string(body)))
	}
	for _, body := range []string{"", "{}", "\xef\xbb\xbf{}", "\x1f\x8b", string(make([]byte, 4*limit))} {
		f.Add([]byte(body))
		f.Add(compressed(f, []byte(body)))
	}
	f.Add(append(compressed(f, []byte("{}")), compressed(f, []byte("[]"))...))
	read := func(body []byte, encoding string) ([]byte, error) {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("Content-Encoding", encoding)
		var buffer bytes.Buffer
		err := httpbody.ReadInto(&buffer, r, limit)
		if buffer.Cap() > 4*limit {
			return nil, apperr.Internal.New()
		}
		return buffer.Bytes(), err
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		plain, err := read(body, "")
		packed, packedErr := read(compressed(t, body), encoding)
		if (err == nil) != (packedErr == nil) && len(compressed(t, body)) <= limit || err == nil && packedErr == nil && !bytes.Equal(plain, packed) {
			t.Errorf("%.100q: %.100q, %v plain; %.100q, %v compressed", body, plain, err, packed, packedErr)
		}
		inflated, err := read(body, encoding)
		if len(inflated) > limit && err == nil {
			t.Errorf("%d bytes come out of a body with the limit %d", len(inflated), limit)
		}
		if err != nil && apperr.From(err).Status() >= http.StatusInternalServerError {
			t.Errorf("%.100q: %v", body, err)
		}
	})
}
