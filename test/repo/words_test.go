package repo_test

import (
	"go/scanner"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

// privateWords are words that this code doesn't use, with what it says instead: for
// one thing there is one word, and where the field has a word for it, it is that
// one. A reader who knows GraphQL, PostgreSQL and Go looks for no other.
var privateWords = map[string]string{
	"afresh": "anew, or say what is written", "astray": "say what is wrong with it", "bell": "notification",
	"farewell": "close reason", "fault": "error", "hear": "receive", "heard": "received", "journal": "change set",
	"outlast": "live longer than", "poke": "notify", "prose": "description", "receipt": "acknowledgement",
	"ring": "notify", "rang": "notified", "shelf": "device logs", "shelve": "device logs", "telling": "event", "told": "sent, or says",
}

// otherMeanings are the words of which a part of the checkout needs another meaning.
var otherMeanings = map[string]string{
	"fault":   "test/",           // what a network or a process does, and a kind of block in the case files
	"journal": "internal/store/", // SQLite's own word for the file beside a database
}

// wordParts finds the words of a text or identifier, also those within camelCase.
var wordParts = regexp.MustCompile(`[A-Z]+(?:[a-z]+|\b)|[a-z]+`)

// TestWords keeps private words out of identifiers and comments. A string is not
// looked into: what the program prints may be part of its contract.
func TestWords(t *testing.T) {
	t.Parallel()
	for _, path := range files(t, ".go") {
		source := read(t, path)
		if marker.MatchString(source) {
			continue
		}
		set := token.NewFileSet()
		var s scanner.Scanner
		s.Init(set.AddFile(path, -1, len(source)), []byte(source), nil, scanner.ScanComments)
		for {
			at, kind, text := s.Scan()
			if kind == token.EOF {
				break
			}
			if kind != token.IDENT && kind != token.COMMENT {
				continue
			}
			for _, word := range wordParts.FindAllString(text, -1) {
				singular := strings.TrimSuffix(strings.ToLower(word), "s")
				instead, private := privateWords[singular]
				if allowed := otherMeanings[singular]; private && (allowed == "" || !strings.HasPrefix(path, allowed)) {
					t.Errorf("%s: %q: %s", set.Position(at), word, instead)
				}
			}
		}
	}
}
