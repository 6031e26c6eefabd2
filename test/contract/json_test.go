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

// node is a JSON value with its keys in their order, which a map would lose.
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

// repair makes JSON of an example, by the rules in the package comment.
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

// compare lists how a response differs from the page's example.
func compare(example, response node, differs []string) []string {
	return compareAt("", example, response, differs)
}

func compareAt(path string, example, response node, differs []string) []string {
	if example.kind != response.kind {
		return []string{fmt.Sprintf("%s is of type %s, documented as %s", at(path), response.kind, example.kind)}
	}
	switch example.kind {
	case "object":
		return compareObjects(path, example, response, differs)
	case "array":
		return compareArrays(path, example, response, differs)
	default:
		key := path[strings.LastIndexAny(path, ".]")+1:]
		if example.scalar == response.scalar || placeholder(example.scalar) || slices.Contains(differs, key) {
			return nil
		}
		return []string{fmt.Sprintf("%s is %v, documented as %v", at(path), response.scalar, example.scalar)}
	}
}

func compareObjects(path string, example, response node, differs []string) []string {
	if !slices.Equal(example.keys, response.keys) {
		return []string{fmt.Sprintf("%s has the keys %v, documented are %v", at(path), response.keys, example.keys)}
	}
	var problems []string
	for i, key := range example.keys {
		problems = append(problems, compareAt(path+"."+key, example.members[i], response.members[i], differs)...)
	}
	return problems
}

// compareArrays compares each element with the example's element at the same place,
// or with its last one.
func compareArrays(path string, example, response node, differs []string) []string {
	if len(example.members) == 0 || len(response.members) == 0 {
		return []string{fmt.Sprintf("%s is an empty array and shows nothing", at(path))}
	}
	var problems []string
	for i, element := range response.members {
		like := example.members[min(i, len(example.members)-1)]
		problems = append(problems, compareAt(fmt.Sprintf("%s[%d]", path, i), like, element, differs)...)
	}
	return problems
}

// placeholder reports whether the page shows the value in place of any other.
func placeholder(scalar any) bool {
	return scalar == "string" || scalar == "0" || scalar == "..."
}

func at(path string) string {
	if path == "" {
		return "the response"
	}
	return strings.TrimPrefix(path, ".")
}
