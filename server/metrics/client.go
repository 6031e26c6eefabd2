package metrics

import (
	"net/http"
	"strings"
)

// maxClientApps is how many apps have series of their own, each version counting
// as one. Anybody can send any name, and each makes a series of every metric that
// shows it: the names that come later are all "other".
const maxClientApps = 200

const (
	unknown = "unknown"
	other   = "other"
)

// ClientApp is what a client says of itself, as far as it is repeated.
type ClientApp struct{ Name, Version string }

// clientApp reads the headers of Apollo's clients, or else the User-Agent's first
// product (RFC 9110, section 10.1.5).
func (m *Metrics) clientApp(header http.Header) ClientApp {
	name, version := header.Get("Apollographql-Client-Name"), header.Get("Apollographql-Client-Version")
	if name == "" {
		product, _, _ := strings.Cut(header.Get("User-Agent"), " ")
		name, version, _ = strings.Cut(product, "/")
	}
	app := ClientApp{safeLabel(name), safeLabel(version)}
	if known, found := m.clientApps.get(app); found {
		return known
	}
	// The names are parts of the header, which would stay in memory with them.
	app = ClientApp{strings.Clone(app.Name), strings.Clone(app.Version)}
	return m.clientApps.getOrAdd(app, maxClientApps, func(full bool) ClientApp {
		if full {
			return ClientApp{other, other}
		}
		return app
	})
}

// safeLabel is the text if it looks like a name or a version, and "unknown"
// otherwise: what a client sends by mistake, such as a token, must not be published.
func safeLabel(text string) string {
	const maxBytes = 40
	if text == "" || len(text) > maxBytes || !isAlphanumeric(text[0]) {
		return unknown
	}
	for i := range len(text) {
		if !isAlphanumeric(text[i]) && !strings.ContainsRune(" ._+-", rune(text[i])) {
			return unknown
		}
	}
	return text
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
