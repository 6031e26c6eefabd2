package rest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"luxbff/internal/apperr"
	"luxbff/server/httpbody"
)

// maxBody is the longest body in bytes: 1,000 devlogs take about a quarter of it.
const maxBody = 1 << 20

// body is what the body of a request holds: the members of a JSON object, a JSON array,
// or the fields of a form. It is empty for an empty body: some routes have only optional
// members, and apps then send no body at all.
type body struct {
	members map[string]json.RawMessage
	array   json.RawMessage
	form    map[string]string
}

var (
	errBody = apperr.Text("the body is not the JSON that is asked for")
	errForm = apperr.Text("the form can't be read")
)

// readBody reads a body by what it is. The Content-Type counts only where the body is no
// JSON: many HTTP clients send that of a form by default, whatever follows (rule 3 of the
// contract). A body that is neither is refused, because a route whose members are all
// optional would do nothing and call it a success.
func readBody(r *http.Request) (body, error) {
	var raw bytes.Buffer
	if err := httpbody.ReadInto(&raw, r, maxBody); err != nil {
		return body{}, err
	}
	text := bytes.Trim(raw.Bytes(), " \t\r\n")
	if len(text) == 0 {
		return body{}, nil
	}
	switch text[0] {
	case '{':
		members, err := membersOf(text)
		return body{members: members}, err
	case '[':
		if !json.Valid(text) {
			return body{}, errBody
		}
		return body{array: text}, nil
	}
	kind, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/x-www-form-urlencoded":
		form, err := readForm(string(text))
		return body{form: form}, err
	case "multipart/form-data":
		form, err := readMultipart(text, parameters["boundary"])
		return body{form: form}, err
	}
	return body{}, errBody
}

// membersOf gives the members of a JSON object. Of two with one name the last counts.
func membersOf(raw json.RawMessage) (members map[string]json.RawMessage, err error) {
	if json.Unmarshal(raw, &members) != nil || members == nil {
		return nil, errBody
	}
	return members, nil
}

// readForm reads application/x-www-form-urlencoded. Any text at all could be taken for
// the name of a field without a value, so a name has to look like one and to be followed
// by an equals sign. Separators may stand at the ends and side by side: some clients put
// one behind each field. Of two fields with one name the last counts, as in JSON.
func readForm(text string) (map[string]string, error) {
	for pair := range strings.SplitSeq(text, "&") {
		if pair != "" && !strings.Contains(pair, "=") {
			return nil, errForm
		}
	}
	values, err := url.ParseQuery(text)
	if err != nil || len(values) == 0 {
		return nil, errForm
	}
	form := make(map[string]string, len(values))
	for name, all := range values {
		if !isFieldName(name) {
			return nil, errForm
		}
		form[name] = all[len(all)-1]
	}
	return form, nil
}

// readMultipart reads multipart/form-data (RFC 7578).
func readMultipart(text []byte, boundary string) (map[string]string, error) {
	if boundary == "" {
		return nil, errForm
	}
	form := map[string]string{}
	for parts := multipart.NewReader(bytes.NewReader(text), boundary); ; {
		part, err := parts.NextPart()
		if err == io.EOF { //nolint:errorlint // One that is wrapped is the end of a body without its last boundary.
			return form, nil
		}
		if err != nil || !isFieldName(part.FormName()) || !isPlain(part) {
			return nil, errForm
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, errForm
		}
		form[part.FormName()] = string(value)
	}
}

// isPlain reports whether a part holds its text as it is. The reader has taken the
// encoding quoted-printable away; what else could be named is not in use.
func isPlain(part *multipart.Part) bool {
	switch strings.ToLower(part.Header.Get("Content-Transfer-Encoding")) {
	case "", "7bit", "8bit", "binary":
		return true
	}
	return false
}

// isFieldName reports whether a name could be that of a field of any form, and is no
// piece of a sentence, of XML or of JSON.
func isFieldName(name string) bool {
	isForeign := func(c rune) bool { return c <= ' ' || c == utf8.RuneError || strings.ContainsRune("<>{}\"'\\", c) }
	return name != "" && !strings.ContainsFunc(name, isForeign)
}
