package tracing

import "strings"

// summary is the verb of a statement and the table that it is about: that after
// the first FROM, INTO or UPDATE. What it doesn't find is empty.
func summary(query string) (verb, table string) {
	words := strings.FieldsFunc(query, func(r rune) bool { return strings.ContainsRune(" \t\r\n()", r) })
	if len(words) == 0 {
		return "", ""
	}
	verb = strings.ToUpper(words[0])
	for i, word := range words[:len(words)-1] {
		next := words[i+1]
		switch strings.ToUpper(word) {
		case "FROM", "INTO":
			if !strings.EqualFold(next, "SELECT") {
				return verb, unquoted(next)
			}
		case "UPDATE":
			if i == 0 {
				return verb, unquoted(next)
			}
		}
	}
	return verb, ""
}

func unquoted(name string) string { return strings.Trim(name, "\"`;,") }
