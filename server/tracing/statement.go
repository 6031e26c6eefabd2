package tracing

import "strings"

// summarize gives the verb of an SQL statement and the table that it is about: the
// one after the first FROM, INTO or UPDATE. What it doesn't find is empty. It is no
// parser: it knows the statements that ent writes and the few of our own.
func summarize(query string) (verb, table string) {
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
				return verb, unquote(next)
			}
		case "UPDATE":
			if i == 0 {
				return verb, unquote(next)
			}
		}
	}
	return verb, ""
}

func unquote(name string) string { return strings.Trim(name, "\"`;,") }
