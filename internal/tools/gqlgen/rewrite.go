package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"regexp"

	"golang.org/x/tools/go/ast/astutil"
)

// sequencePackage holds sequence.MarshalSlice and sequence.ResolveFieldStream, which
// take the place of gqlgen's functions, typekindPackage what takes the place of its
// methods of introspection, and encodePackage what takes the place of its buffers.
const (
	encodePackage   = "luxbff/graph/encode"
	sequencePackage = "luxbff/graph/sequence"
	typekindPackage = "luxbff/graph/typekind"
)

// preludePackage holds prelude.MustLoadSchema, which takes the place of gqlparser's
// function.
const preludePackage = "luxbff/graph/prelude"

// gqlparserPackage is imported by the executor for that function alone.
const gqlparserPackage = "github.com/vektah/gqlparser/v2"

var (
	marker = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

	// unmarshalerMap and unmarshalerCall build and pass on a table of all input
	// unmarshallers. Only graphql.UnmarshalInputFromContext reads it, which nobody
	// here calls.
	unmarshalerMap  = regexp.MustCompile(`(?m)^\s*inputUnmarshalMap := graphql\.BuildUnmarshalerMap\([^)]*\)\n`)
	unmarshalerCall = regexp.MustCompile(`(?m)^\s*ctx = graphql\.WithUnmarshalerMap\(ctx, inputUnmarshalMap\)\n`)

	// bufferLine and bufferBytes encode the data of a response into a buffer, however long
	// they get. The buffer of a subscription is declared outside the function that makes a
	// response, so that the subscription holds its last one while it waits for the next.
	bufferLine  = regexp.MustCompile(`(?m)^[ \t]*(?:var buf bytes\.Buffer|buf\.Reset\(\)|data\.MarshalGQL\(&buf\))\n`)
	bufferBytes = regexp.MustCompile(`\bbuf\.Bytes\(\)`)

	// collectFields collects the fields of an object, however many, from fragments and under
	// conditions.
	collectFields = regexp.MustCompile(`\bgraphql\.CollectFields\(`)

	// objectFields collects the values of an object's fields for goroutines to fill in, and
	// writes them through an iterator and a map. dispatch waits for those goroutines, of which
	// there are none.
	objectFields = regexp.MustCompile(`\bgraphql\.NewFieldSet\(fields\)`)
	dispatch     = regexp.MustCompile(`(?m)^\tout\.Dispatch\(ctx\)\n`)

	// deferredFields and deferredGroup make for every object what @defer would hold back,
	// with the object's path. The schema has no @defer (see sequentialFields).
	deferredFields = regexp.MustCompile(`(?m)^\tdeferredFieldSet := graphql\.NewFieldSet\(nil\)\n` +
		`\tdeferLabelToView := make\(map\[string\]\*graphql\.FieldSetView\)\n`)
	deferredGroup = regexp.MustCompile(`(?ms)^\tatomic\.AddInt32\(&ec\.Deferred, [^\n]*\n\n` +
		`\tec\.ProcessDeferredGroup\(graphql\.DeferredGroup\{.*?\n\t\}\)\n\n`)

	// concurrentSlice starts a goroutine for each element of a list; gqlgen's
	// worker_limit only makes them wait for each other.
	concurrentSlice = regexp.MustCompile(`\bgraphql\.MarshalSliceConcurrently\(`)

	// eventStream executes the events of a subscription as if they stood at no root
	// field.
	eventStream = regexp.MustCompile(`\bgraphql\.ResolveFieldStream\(`)

	// loadedSchema has the directives of gqlparser, of which the executor does not keep
	// all.
	loadedSchema = regexp.MustCompile(`\bgqlparser\.MustLoadSchema\(`)

	// typeMethod gives an empty list, or false, for what a kind of type does not have.
	typeMethod = regexp.MustCompile(`\bobj\.(Fields|Interfaces|PossibleTypes|EnumValues|InputFields|IsOneOf)\(`)

	// nullableFlag reads an argument includeDeprecated. gqlgen expects of the function
	// that reads a Boolean to take null for false, which ours refuses.
	nullableFlag = regexp.MustCompile(`(\) unmarshalOBoolean2bool\(ctx context\.Context, v any\) \(bool, error\) \{\n)`)

	// leftover finds what must be gone from the result.
	leftover = regexp.MustCompile(`MarshalSliceConcurrently|\bbuf\b|UnmarshalerMap|inputUnmarshalMap|\.Concurrently\(|` +
		`FieldSet|DeferredGroup|\.Dispatch\(`)
)

// rewriteExecutor rewrites the generated executor in place.
func rewriteExecutor(filename string) error {
	source, err := os.ReadFile(filename)
	if err != nil {
		return err
	}
	rewritten, err := rewrite(source)
	if err != nil {
		return fmt.Errorf("%s: %w (do gqlgen's templates differ from what rewrite.go expects?)", filename, err)
	}
	return os.WriteFile(filename, rewritten, 0o644)
}

// rewrite fails when one of its patterns matches nothing. Otherwise a gqlgen with
// other templates could bring the goroutines back and no test would notice.
func rewrite(source []byte) ([]byte, error) {
	if !marker.Match(source) {
		return nil, errors.New("no marker of generated code")
	}
	for _, step := range []struct {
		pattern     *regexp.Regexp
		replacement string
	}{
		{unmarshalerMap, ""},
		{unmarshalerCall, ""},
		{bufferLine, ""},
		{bufferBytes, "encode.Data(ctx, data)"},
		{objectFields, "encode.NewObject(fields)"},
		{collectFields, "encode.CollectFields("},
		{dispatch, ""},
		{deferredFields, ""},
		{deferredGroup, ""},
		{concurrentSlice, "sequence.MarshalSlice("},
		{eventStream, "sequence.ResolveFieldStream("},
		{loadedSchema, "prelude.MustLoadSchema("},
		{typeMethod, "typekind.$1(obj, "},
		{nullableFlag, "${1}\tif v == nil {\n\t\treturn false, nil\n\t}\n"},
	} {
		if !step.pattern.Match(source) {
			return nil, fmt.Errorf("nothing matches %s", step.pattern)
		}
		source = step.pattern.ReplaceAll(source, []byte(step.replacement))
	}
	if found := leftover.Find(source); found != nil {
		return nil, fmt.Errorf("%s is left", found)
	}
	source, err := inlinePlainFields(source)
	if err != nil {
		return nil, err
	}
	return correctImports(source)
}

func correctImports(source []byte) ([]byte, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	astutil.AddImport(files, file, encodePackage)
	astutil.AddImport(files, file, sequencePackage)
	astutil.AddImport(files, file, preludePackage)
	astutil.DeleteNamedImport(files, file, "gqlparser", gqlparserPackage)
	astutil.AddImport(files, file, typekindPackage)
	for _, unused := range []string{"bytes", "math"} {
		if !astutil.UsesImport(file, unused) {
			astutil.DeleteImport(files, file, unused)
		}
	}
	var out bytes.Buffer
	err = format.Node(&out, files, file)
	return out.Bytes(), err
}
