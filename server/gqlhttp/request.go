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
)

// largestPooledBuffer keeps one large body from holding its memory for ever.
const largestPooledBuffer = 64 << 10

// buffers holds request bodies while they are decoded and answers while they are
// written.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func borrowBuffer() *bytes.Buffer { return buffers.Get().(*bytes.Buffer) }

func returnBuffer(buffer *bytes.Buffer) {
	if buffer.Cap() > largestPooledBuffer {
		return
	}
	buffer.Reset()
	buffers.Put(buffer)
}

// readBody reads the parameters of a POST.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) (*graphql.RawParams, *refusal) {
	if refused := checkContent(r.Header); refused != nil {
		return nil, refused
	}
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	body := borrowBuffer()
	defer returnBuffer(body)
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, limit)); err != nil {
		var exceeded *http.MaxBytesError
		if errors.As(err, &exceeded) {
			return nil, tooLarge(limit)
		}
		return nil, badRequest("The body ended early.")
	}
	params := &graphql.RawParams{}
	if refused := decode(body.Bytes(), params); refused != nil {
		return nil, refused
	}
	return complete(params)
}

// checkContent takes JSON in UTF-8, not compressed.
func checkContent(header http.Header) *refusal {
	if encoding := header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return unsupported("The body must not be compressed.")
	}
	content := header.Get("Content-Type")
	if content == applicationJSON {
		return nil
	}
	mediaType, parameters, err := mime.ParseMediaType(content)
	if err != nil || mediaType != applicationJSON {
		return unsupported("The Content-Type must be application/json.")
	}
	if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return unsupported("The charset must be utf-8.")
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
	return complete(params)
}

// complete refuses a request without a document: by text or by its hash.
func complete(params *graphql.RawParams) (*graphql.RawParams, *refusal) {
	if params.Query == "" && params.Extensions["persistedQuery"] == nil {
		refused := badRequest("The parameter query is missing.")
		refused.field = "query"
		return nil, refused
	}
	return params, nil
}

// decode reads exactly one JSON object. Numbers keep their digits. What
// encoding/json would mend without a word, invalid UTF-8 and lone surrogates, is
// refused, because a name would be stored other than it was sent.
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
		return notDecoded(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return badRequest("Something follows the JSON object.")
	}
	return nil
}

// notDecoded says where the JSON is wrong without repeating any of it.
func notDecoded(err error) *refusal {
	var mistyped *json.UnmarshalTypeError
	if !errors.As(err, &mistyped) {
		return badRequest("The JSON is malformed.")
	}
	refused := badRequest("It has the wrong JSON type.")
	refused.field = mistyped.Field
	return refused
}

// hasLoneSurrogate looks for a \u escape of half a character. Text that is no
// JSON may get either answer.
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

// codeUnit reads the \uXXXX that text starts with.
func codeUnit(text []byte) (unit rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	parsed, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(parsed), err == nil
}
