package contract_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// node is a JSON value that remembers the order of its keys.
type node struct {
	kind    string // object, array, string, number, boolean, null
	keys    []string
	members []node // of an object, by keys, or of an array
	scalar  any
}

func readJSON(text []byte) (node, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	n, err := readNode(d)
	if err != nil {
		return n, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return n, errors.New("something follows the JSON value")
	}
	return n, nil
}

func readNode(d *json.Decoder) (node, error) {
	token, err := d.Token()
	if err != nil {
		return node{}, err
	}
	switch v := token.(type) {
	case json.Delim:
		return readMembers(d, v)
	case string:
		return node{kind: "string", scalar: v}, nil
	case json.Number:
		return node{kind: "number", scalar: v.String()}, nil
	case bool:
		return node{kind: "boolean", scalar: v}, nil
	default:
		return node{kind: "null"}, nil
	}
}

func readMembers(d *json.Decoder, open json.Delim) (node, error) {
	n := node{kind: map[json.Delim]string{'{': "object", '[': "array"}[open]}
	for d.More() {
		if open == '{' {
			key, err := d.Token()
			if err != nil {
				return n, err
			}
			n.keys = append(n.keys, key.(string))
		}
		member, err := readNode(d)
		if err != nil {
			return n, err
		}
		n.members = append(n.members, member)
	}
	_, err := d.Token()
	return n, err
}

var (
	stringOrComment = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|//[^\n]*|\((?:boolean)\)`)
	trailingComma   = regexp.MustCompile(`,(\s*[}\]])`)
	bareWord        = regexp.MustCompile(`(^|:\s*)(string)\b`)
)

// repair makes JSON of an example, by the rules that the package comment states.
func repair(example string) string {
	example = stringOrComment.ReplaceAllStringFunc(example, func(found string) string {
		if strings.HasPrefix(found, `"`) {
			return found
		}
		return ""
	})
	example = trailingComma.ReplaceAllString(example, "$1")
	return bareWord.ReplaceAllString(example, `$1"$2"`)
}

// compare says how an answer differs from the page's example.
func compare(example, answer node, differs []string) []string {
	return compareAt("", example, answer, differs)
}

func compareAt(path string, example, answer node, differs []string) []string {
	if example.kind != answer.kind {
		return []string{fmt.Sprintf("%s is of type %s, documented as %s", at(path), answer.kind, example.kind)}
	}
	switch example.kind {
	case "object":
		return compareObjects(path, example, answer, differs)
	case "array":
		return compareArrays(path, example, answer, differs)
	default:
		key := path[strings.LastIndexAny(path, ".]")+1:]
		if example.scalar == answer.scalar || placeholder(example.scalar) || slices.Contains(differs, key) {
			return nil
		}
		return []string{fmt.Sprintf("%s is %v, documented as %v", at(path), answer.scalar, example.scalar)}
	}
}

func compareObjects(path string, example, answer node, differs []string) []string {
	if !slices.Equal(example.keys, answer.keys) {
		return []string{fmt.Sprintf("%s has the keys %v, documented are %v", at(path), answer.keys, example.keys)}
	}
	var problems []string
	for i, key := range example.keys {
		problems = append(problems, compareAt(path+"."+key, example.members[i], answer.members[i], differs)...)
	}
	return problems
}

// compareArrays holds each element to the example's of the same place, else to
// its last.
func compareArrays(path string, example, answer node, differs []string) []string {
	if len(example.members) == 0 || len(answer.members) == 0 {
		return []string{fmt.Sprintf("%s is an empty array and shows nothing", at(path))}
	}
	var problems []string
	for i, element := range answer.members {
		like := example.members[min(i, len(example.members)-1)]
		problems = append(problems, compareAt(fmt.Sprintf("%s[%d]", path, i), like, element, differs)...)
	}
	return problems
}

func placeholder(scalar any) bool {
	return scalar == "string" || scalar == "0" || scalar == "..."
}

func at(path string) string {
	if path == "" {
		return "the answer"
	}
	return strings.TrimPrefix(path, ".")
}
