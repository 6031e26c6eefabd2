package gqlhttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"luxbff/internal/apperr"
	"luxbff/server/httpbody"
)

// largestPooledBuffer is the largest buffer that is kept, so that a few large bodies do
// not hold their memory for as long as the process runs.
const largestPooledBuffer = 64 << 10

// buffers hold request bodies while they are decoded and responses while they are
// written. Without the pool each request would allocate both.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func borrowBuffer() *bytes.Buffer { return buffers.Get().(*bytes.Buffer) }

func returnBuffer(buffer *bytes.Buffer) {
	if buffer.Cap() > largestPooledBuffer {
		return
	}
	buffer.Reset()
	buffers.Put(buffer)
}

// readBody reads the parameters of a POST, of at most limit bytes once it is inflated.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) (*graphql.RawParams, *refusal) {
	if refused := checkContent(r.Header); refused != nil {
		return nil, refused
	}
	body := borrowBuffer()
	defer returnBuffer(body)
	switch err := httpbody.ReadInto(body, r, limit); {
	case apperr.Is(err, apperr.PayloadTooLarge):
		return nil, tooLarge(limit)
	case apperr.Is(err, apperr.UnsupportedMediaType):
		w.Header().Set("Accept-Encoding", httpbody.AcceptedEncoding)
		return nil, unsupportedMediaType("The body may be compressed with gzip and nothing else.")
	case err != nil:
		return nil, badRequest("The body breaks off, or is no gzip archive.")
	}
	params := &graphql.RawParams{}
	if refused := decode(body.Bytes(), params); refused != nil {
		return nil, refused
	}
	return checkDocument(params)
}

// checkContent accepts JSON in UTF-8. Form types are refused, because a page of another
// site can send them without a preflight request.
func checkContent(header http.Header) *refusal {
	content := header.Get("Content-Type")
	if content == applicationJSON {
		return nil
	}
	mediaType, parameters, err := mime.ParseMediaType(content)
	if err != nil || mediaType != applicationJSON {
		return unsupportedMediaType("The Content-Type must be application/json.")
	}
	if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return unsupportedMediaType("The charset must be utf-8.")
	}
	return nil
}

// readURL reads the parameters of a GET.
func readURL(r *http.Request) (*graphql.RawParams, *refusal) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("The query string is malformed.")
	}
	params := &graphql.RawParams{Query: query.Get("query"), OperationName: query.Get("operationName")}
	if !utf8.ValidString(params.Query) || !utf8.ValidString(params.OperationName) {
		return nil, badRequest("The query string is not UTF-8.")
	}
	for name, into := range map[string]*map[string]any{
		"variables": &params.Variables, "extensions": &params.Extensions,
	} {
		text := query.Get(name)
		if text == "" {
			continue
		}
		if refused := decode([]byte(text), into); refused != nil {
			refused.field = name
			return nil, refused
		}
	}
	return checkDocument(params)
}

// checkDocument refuses a request that names no document, neither by text nor by hash.
func checkDocument(params *graphql.RawParams) (*graphql.RawParams, *refusal) {
	if params.Query == "" && params.Extensions["persistedQuery"] == nil {
		refused := badRequest("The parameter query is missing.")
		refused.field = "query"
		return nil, refused
	}
	return params, nil
}

// decode reads exactly one JSON object. Numbers keep their digits, which a float64 would
// lose above 2^53. Invalid UTF-8 and lone surrogates are refused: encoding/json replaces
// them without an error, and a name would be stored other than it was sent.
func decode(text []byte, into any) *refusal {
	if !utf8.Valid(text) || hasLoneSurrogate(text) {
		return badRequest("The JSON is not valid Unicode.")
	}
	if bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("[")) {
		return badRequest("One operation a request: batches are not served.")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return refuseJSON(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return badRequest("Something follows the JSON object.")
	}
	return nil
}

// refuseJSON says where the JSON is wrong. It repeats nothing of it, because it may hold a
// password.
func refuseJSON(err error) *refusal {
	var mistyped *json.UnmarshalTypeError
	if !errors.As(err, &mistyped) {
		return badRequest("The JSON is malformed.")
	}
	refused := badRequest("It has the wrong JSON type.")
	refused.field = mistyped.Field
	return refused
}

// hasLoneSurrogate looks for a \u escape of half a character. The result means nothing
// for text that is not JSON.
func hasLoneSurrogate(text []byte) bool {
	for {
		backslash := bytes.IndexByte(text, '\\')
		if backslash < 0 || backslash+1 == len(text) {
			return false
		}
		unit, escaped := codeUnit(text[backslash:])
		if !escaped {
			text = text[backslash+2:]
			continue
		}
		text = text[backslash+6:]
		if !utf16.IsSurrogate(unit) {
			continue
		}
		low, escaped := codeUnit(text)
		if !escaped || utf16.DecodeRune(unit, low) == utf8.RuneError {
			return true
		}
		text = text[6:]
	}
}

// codeUnit reads the \uXXXX that the text starts with.
func codeUnit(text []byte) (unit rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	parsed, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(parsed), err == nil
}
