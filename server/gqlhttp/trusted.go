package gqlhttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"luxbff/server/manifest"
)

const (
	// codeDocumentNotFound is no code of Apollo's: at one of those its clients would send
	// the text next.
	codeDocumentNotFound   = "PERSISTED_DOCUMENT_NOT_FOUND"
	codeDocumentNotTrusted = "DOCUMENT_NOT_TRUSTED"
)

// TrustedDocuments are those of the manifests of the apps. Requests name them by id, and
// with Enforce nothing else runs. They are parsed and validated before, and no cache can
// push them out. A nil one holds none and enforces nothing.
type TrustedDocuments struct {
	// Enforce refuses every document that is not in the set.
	Enforce bool
	// Refused is called with the text of each such document; nil for nothing.
	Refused func(ctx context.Context, text string)

	current atomic.Pointer[TrustedSet]
}

// TrustedSet is what the manifests hold at one time.
type TrustedSet struct {
	// texts are those of the documents, by the ids that requests give, without the prefix
	// of a hash.
	texts map[string]string
	// documents are by their texts.
	documents map[string]*ast.QueryDocument
}

// Len counts the documents.
func (s *TrustedSet) Len() int { return len(s.documents) }

// Replace puts the set in the place of the former one. Operations that run go on with the
// document that they have.
func (t *TrustedDocuments) Replace(set *TrustedSet) { t.current.Store(set) }

// Has reports whether a text is that of a trusted document.
func (t *TrustedDocuments) Has(text string) bool { return t.document(text) != nil }

func (t *TrustedDocuments) enforces() bool { return t != nil && t.Enforce }

// text gives the text of the document that an id names.
func (t *TrustedDocuments) text(id string) (text string, known bool) {
	if t == nil {
		return "", false
	}
	if set := t.current.Load(); set != nil {
		text, known = set.texts[id]
	}
	return text, known
}

// document is nil for a text that is not trusted.
func (t *TrustedDocuments) document(text string) *ast.QueryDocument {
	if t == nil {
		return nil
	}
	if set := t.current.Load(); set != nil {
		return set.documents[text]
	}
	return nil
}

// refuse is the answer to a text that is not trusted.
func (t *TrustedDocuments) refuse(ctx context.Context, text string) *gqlerror.Error {
	if t.Refused != nil {
		t.Refused(ctx, text)
	}
	return withCode(codeDocumentNotTrusted, http.StatusForbidden,
		"The document is none of those that the server was given with the apps.")
}

func documentNotFound() *gqlerror.Error {
	return withCode(codeDocumentNotFound, http.StatusBadRequest, "The server was given no document of this id.")
}

func withCode(code string, status int, message string) *gqlerror.Error {
	refused := gqlerror.Errorf("%s", message)
	refused.Extensions = map[string]any{"code": code, "status": status}
	return refused
}

// mostReported is how many wrong documents of a manifest one error names.
const mostReported = 5

// CompileTrusted parses and validates the documents by the rules and the limits of the
// config, as if a client had sent them. The error says of the first that can't be served
// what is wrong with them.
func CompileTrusted(schema *ast.Schema, config Config, all []manifest.Document) (*TrustedSet, error) {
	config = config.withDefaults()
	config.Suggestions = true // the reader is the operator
	compiler := newDocuments(config)
	compiler.schema = schema
	set := &TrustedSet{texts: map[string]string{}, documents: map[string]*ast.QueryDocument{}}
	var wrong []error
	for _, one := range all {
		document, refused, invalid := compiler.parse(one.Text)
		if refused == nil && len(invalid) > 0 {
			refused = invalid[0]
		}
		if refused != nil {
			wrong = append(wrong, fmt.Errorf("%s: the document %q: %s", one.File, one.ID(), inWords(refused)))
			if len(wrong) == mostReported {
				break
			}
			continue
		}
		set.documents[one.Text] = document
		set.texts[one.Hash] = one.Text
		for _, name := range one.Names {
			set.texts[name] = one.Text
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return set, nil
}

func inWords(invalid *gqlerror.Error) string {
	if len(invalid.Locations) == 0 {
		return invalid.Message
	}
	return fmt.Sprintf("line %d: %s", invalid.Locations[0].Line, invalid.Message)
}

// mayReadSchema reports whether a text may be one that does nothing but read the schema. It
// is for texts that are not parsed yet: onlyReadsSchema decides.
func mayReadSchema(text string) bool {
	return strings.Contains(text, "__schema") || strings.Contains(text, "__type")
}

// onlyReadsSchema reports whether no operation of a valid document asks for more than the
// schema.
func onlyReadsSchema(document *ast.QueryDocument) bool {
	for _, operation := range document.Operations {
		var root rootFields
		root.collect(operation.SelectionSet)
		for _, field := range root.fields {
			if !strings.HasPrefix(field.Name, "__") {
				return false
			}
		}
	}
	return true
}
