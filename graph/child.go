package graph

// orEmpty gives "" for an optional input that is absent or null.
func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
