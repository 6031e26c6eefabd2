package rest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/apperr"
)

func readBodyOf(contentType, contentEncoding, text string) (body, error) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(text))
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Content-Encoding", contentEncoding)
	return readBody(r)
}

func TestReadForms(t *testing.T) {
	t.Parallel()
	const boundary = "multipart/form-data; boundary=limit"
	part := func(header, text string) string { return "--limit\r\n" + header + "\r\n\r\n" + text + "\r\n" }
	for name, c := range map[string]struct {
		contentType, text string
		want              map[string]string
	}{
		"a form":               {"application/x-www-form-urlencoded", "a=b+c&d=%ED%95%98%EB%82%98&e=", map[string]string{"a": "b c", "d": "하나", "e": ""}},
		"in capitals":          {"Application/X-WWW-Form-URLEncoded; Charset=UTF-8", "a=b\r\n", map[string]string{"a": "b"}},
		"twice one name":       {"application/x-www-form-urlencoded", "a=b&a=c", map[string]string{"a": "c"}},
		"names of other forms": {"application/x-www-form-urlencoded", "a[]=b&a.c=d&a$e:f=g", map[string]string{"a[]": "b", "a.c": "d", "a$e:f": "g"}},
		"spare separators":     {"application/x-www-form-urlencoded", "&a=b&&c=d&", map[string]string{"a": "b", "c": "d"}},
		"an equals sign in it": {"application/x-www-form-urlencoded", "a=b=c", map[string]string{"a": "b=c"}},
		"a multipart form": {
			boundary, part(`Content-Disposition: form-data; name="a"`, "b\r\nc ") + part(`Content-Disposition: form-data; name="d"`, "") + "--limit--\r\n",
			map[string]string{"a": "b\r\nc ", "d": ""},
		},
		"a part as a file": {
			boundary, part("Content-Disposition: form-data; name=\"a\"; filename=\"a.txt\"\r\nContent-Type: text/plain", "b") + "--limit--",
			map[string]string{"a": "b"},
		},
		"a part in quoted-printable": {
			boundary, part("Content-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: quoted-printable", "b=3D") + "--limit--",
			map[string]string{"a": "b="},
		},
		"a multipart form without a field": {boundary, "--limit--\r\n", map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readBodyOf(c.contentType, "", c.text)
			if diff := cmp.Diff(c.want, got.form); diff != "" || err != nil {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

// FuzzReadBody holds that a body which is neither JSON nor a form is an error that a
// client may see, and never one that has nothing to say.
func FuzzReadBody(f *testing.F) {
	for _, text := range []string{"", "{}", "[]", `{"a": 1}`, "a=b", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--b--", "null", "\xef\xbb\xbf{}"} {
		for _, contentType := range []string{"", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"} {
			f.Add(contentType, "", text)
		}
	}
	f.Add("", "gzip", "\x1f\x8b\b\x00\x00\x00\x00\x00\x00\xff\x01\x00\x00\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00")
	f.Fuzz(func(t *testing.T, contentType, contentEncoding, text string) {
		read, err := readBodyOf(contentType, contentEncoding, text)
		if err != nil && !isOfReading(err) && apperr.From(err).Status() >= http.StatusInternalServerError {
			t.Errorf("%q as %q: %v", text, contentType, err)
		}
		isEmpty := read.members == nil && read.array == nil && read.form == nil
		isBlank := strings.Trim(strings.TrimPrefix(text, "\xef\xbb\xbf"), " \t\r\n") == ""
		if err == nil && isEmpty && !isBlank && contentEncoding == "" {
			t.Errorf("%q as %q was read as nothing", text, contentType)
		}
	})
}

// isOfReading reports whether decode makes a bad request of the error.
func isOfReading(err error) bool { return errors.Is(err, errBody) || errors.Is(err, errForm) }
