package gqlhttp

import (
	"bytes"
	"context"
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

// readBody reads the parameters of a POST, of at most t.maxBody bytes once it is inflated.
func (t transport) readBody(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *refusal) {
	if refused := checkContent(r.Header); refused != nil {
		return nil, refused
	}
	body := borrowBuffer()
	defer returnBuffer(body)
	switch err := httpbody.ReadInto(body, r, t.maxBody); {
	case apperr.Is(err, apperr.PayloadTooLarge):
		return nil, tooLarge(t.maxBody)
	case apperr.Is(err, apperr.UnsupportedMediaType):
		w.Header().Set("Accept-Encoding", httpbody.AcceptedEncoding)
		return nil, unsupportedMediaType("The body may be compressed with gzip or with zstd, once, and with nothing else.")
	case err != nil:
		return nil, badRequest("The body breaks off, or is no archive of the Content-Encoding that it names.")
	}
	params, err := t.bodies.decode(r.Context(), body.Bytes())
	if err != nil {
		return nil, refuseJSON(err)
	}
	return checkDocument(params)
}

// knownBodies are bodies that were decoded before: an app sends a screen that asks for no
// variables in the same words every time. A body with variables or extensions is not kept,
// so that what is kept is what the cache of documents keeps, within the same bounds; a
// documentId alone is. To
// find one takes 2 allocations in place of the 17 of decoding it.
type knownBodies struct{ texts *textCache[graphql.RawParams] }

func (k knownBodies) decode(ctx context.Context, text []byte) (*graphql.RawParams, error) {
	if len(text) > largestCachedDocument {
		return DecodeParams(text)
	}
	if known, ok := k.texts.Get(ctx, string(text)); ok {
		return &known, nil
	}
	params, err := DecodeParams(text)
	_, named := documentIDOf(params)
	if err == nil && len(params.Variables) == 0 && (len(params.Extensions) == 0 || named && len(params.Extensions) == 1) {
		k.texts.Add(ctx, string(text), graphql.RawParams{
			Query: params.Query, OperationName: params.OperationName, Extensions: params.Extensions,
		})
	}
	return params, err
}

// checkContent accepts JSON in UTF-8. Form types are refused, because a page of another
// site can send them without a preflight request.
func checkContent(header http.Header) *refusal {
	content := header.Get("Content-Type")
	if content == applicationJSON {
		return nil
	}
	mediaType, parameters, err := mime.ParseMediaType(content)
	switch {
	case err == nil && mediaType == "application/graphql":
		return unsupportedMediaType(
			"The Content-Type must be application/json, and the document the member query of a JSON object.")
	case err != nil || mediaType != applicationJSON:
		return unsupportedMediaType("The Content-Type must be application/json.")
	}
	switch strings.ToLower(parameters["charset"]) {
	case "", "utf-8", "utf8":
		return nil
	}
	return unsupportedMediaType("The charset must be utf-8.")
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
		if err := decode([]byte(text), func(decoder *json.Decoder) error { return decoder.Decode(into) }); err != nil {
			refused := refuseJSON(err)
			refused.field = name
			return nil, refused
		}
	}
	id := query.Get("documentId")
	if !utf8.ValidString(id) {
		return nil, badRequest("The query string is not UTF-8.")
	}
	return checkDocument(withDocumentID(params, id))
}

// checkDocument refuses a request that names no document, neither by text nor by hash or id.
func checkDocument(params *graphql.RawParams) (*graphql.RawParams, *refusal) {
	_, named := documentIDOf(params)
	if params.Query == "" && !named && params.Extensions["persistedQuery"] == nil {
		refused := badRequest("The parameter query is missing.")
		refused.field = "query"
		return nil, refused
	}
	return params, nil
}

// JSONError is why a text is not the JSON that is asked for. It repeats nothing of it,
// because it may hold a password.
type JSONError struct {
	// Field is the member that is wrong, empty if it is not one of them.
	Field string
	// Reason is a sentence for the developer of an app.
	Reason string
}

// Error implements error.
func (e *JSONError) Error() string { return e.Reason }

func refuseJSON(err error) *refusal {
	refused := badRequest(err.Error())
	var wrong *JSONError
	if errors.As(err, &wrong) {
		refused.field = wrong.Field
	}
	return refused
}

// DecodeParams reads the parameters of an operation, as they come in the body of a request
// or in a message on a socket. Its error is a [*JSONError].
func DecodeParams(text []byte) (*graphql.RawParams, error) {
	decoded := &struct { // in one allocation
		graphql.RawParams
		documentID string
	}{}
	err := DecodeObject(text, map[string]any{
		"query": &decoded.Query, "operationName": &decoded.OperationName, "documentId": &decoded.documentID,
		"variables": &decoded.Variables, "extensions": &decoded.Extensions,
	})
	return withDocumentID(&decoded.RawParams, decoded.documentID), err
}

// DecodeObject reads exactly one JSON object, of whose members each goes where its name
// points to; others are passed over, and null changes nothing. A name counts in its exact
// case, as GraphQL over HTTP has it: encoding/json would take QUERY for query. Its error is
// a [*JSONError].
func DecodeObject(text []byte, members map[string]any) error {
	switch start := bytes.TrimLeft(text, " \t\r\n"); {
	case len(start) == 0:
		return &JSONError{Reason: "It is empty: a JSON object is asked for."}
	case start[0] == '[':
		return &JSONError{Reason: "One operation a request: batches are not served."}
	}
	return decode(text, func(decoder *json.Decoder) error { return decodeMembers(decoder, members) })
}

// decodeMembers takes null for an object without members.
func decodeMembers(decoder *json.Decoder, members map[string]any) error {
	opening, err := decoder.Token()
	if err != nil || opening == nil {
		return err
	}
	if opening != json.Delim('{') {
		return &JSONError{Reason: "It is no JSON object."}
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		member, _ := name.(string)
		into, known := members[member]
		if !known {
			into = &json.RawMessage{}
		}
		if err := decoder.Decode(into); err != nil {
			return inMember(member, err)
		}
	}
	_, err = decoder.Token()
	return err
}

// inMember names the member whose value has another type.
func inMember(name string, err error) error {
	var mistyped *json.UnmarshalTypeError
	if !errors.As(err, &mistyped) {
		return err
	}
	return &JSONError{Field: name, Reason: "It has the wrong JSON type."}
}

// decode reads exactly one JSON value. Numbers keep their digits, which a float64 would
// lose above 2^53. Invalid UTF-8 and lone surrogates are refused: encoding/json replaces
// them without an error, and a name would be stored other than it was sent.
func decode(text []byte, read func(*json.Decoder) error) error {
	if !utf8.Valid(text) || hasLoneSurrogate(text) {
		return &JSONError{Reason: "The JSON is not valid Unicode."}
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	err := inMember("", read(decoder))
	var wrong *JSONError
	switch {
	case errors.As(err, &wrong):
		return wrong
	case err != nil:
		return &JSONError{Reason: "The JSON is malformed."}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return &JSONError{Reason: "Something follows the JSON object."}
	}
	return nil
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
