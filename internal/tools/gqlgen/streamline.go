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

// sequence holds the twin of the concurrent list marshaller.
const sequence = "luxbff/graph/sequence"

var (
	marker          = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	unmarshalerMap  = regexp.MustCompile(`(?m)^\s*inputUnmarshalMap := graphql\.BuildUnmarshalerMap\([^)]*\)\n`)
	unmarshalerCall = regexp.MustCompile(`(?m)^\s*ctx = graphql\.WithUnmarshalerMap\(ctx, inputUnmarshalMap\)\n`)
	// keptBuffer is the buffer of a subscription's responses, which gqlgen keeps
	// with the last of them in it from one to the next.
	keptBuffer      = regexp.MustCompile(`\tvar buf bytes\.Buffer\n(\s*return func\(ctx context\.Context\) \*graphql\.Response \{\n)\s*buf\.Reset\(\)\n`)
	concurrentSlice = regexp.MustCompile(`\bgraphql\.MarshalSliceConcurrently\(`)
	// leftover is what must not be there any more when all is done.
	leftover = regexp.MustCompile(`MarshalSliceConcurrently|buf\.Reset|UnmarshalerMap|inputUnmarshalMap|\.Concurrently\(`)
)

// streamline rewrites the generated executor in place.
func streamline(filename string) error {
	source, err := os.ReadFile(filename)
	if err != nil {
		return err
	}
	rewritten, err := rewrite(source)
	if err != nil {
		return fmt.Errorf("%s: %w (do gqlgen's templates differ from what streamline.go expects?)", filename, err)
	}
	return os.WriteFile(filename, rewritten, 0o644)
}

// rewrite fails where one of its patterns has nothing to replace, so that a
// gqlgen with other templates cannot quietly bring the goroutines back.
func rewrite(source []byte) ([]byte, error) {
	if !marker.Match(source) {
		return nil, errors.New("no marker of generated code")
	}
	for _, step := range []struct {
		pattern *regexp.Regexp
		with    string
	}{
		{unmarshalerMap, ""},
		{unmarshalerCall, ""},
		{keptBuffer, "${1}var buf bytes.Buffer\n"},
		{concurrentSlice, "sequence.MarshalSlice("},
	} {
		if !step.pattern.Match(source) {
			return nil, fmt.Errorf("nothing matches %s", step.pattern)
		}
		source = step.pattern.ReplaceAll(source, []byte(step.with))
	}
	if found := leftover.Find(source); found != nil {
		return nil, fmt.Errorf("%s is left", found)
	}
	source, err := inlinePlainFields(source)
	if err != nil {
		return nil, err
	}
	return importSequence(source)
}

func importSequence(source []byte) ([]byte, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	astutil.AddImport(files, file, sequence)
	var out bytes.Buffer
	err = format.Node(&out, files, file)
	return out.Bytes(), err
}
