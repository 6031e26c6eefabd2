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

// ClientApp is what a client says of itself, as far as it is repeated: texts of at most 40
// letters, digits and " ._+-", or "unknown".
type ClientApp struct{ Name, Version string }

// NewClientApp takes the name and the version that the client of a GraphQL library says of
// itself, or else the User-Agent's first product (RFC 9110, section 10.1.5). The texts stay
// parts of what was sent.
func NewClientApp(name, version, userAgent string) ClientApp {
	if name == "" {
		product, _, _ := strings.Cut(userAgent, " ")
		name, version, _ = strings.Cut(product, "/")
	}
	return ClientApp{safeLabel(name), safeLabel(version)}
}

// ClientAppOf reads the headers of a request.
func ClientAppOf(header http.Header) ClientApp {
	name, version := AppFromHeader(header)
	return NewClientApp(name, version, header.Get("User-Agent"))
}

// AppFromHeader gives the name and the version that the client of a GraphQL library says
// of itself, as it sent them; empty where it says nothing.
func AppFromHeader(header http.Header) (name, version string) {
	for _, prefix := range []string{"Apollographql-Client-", "Graphql-Client-"} {
		if name = header.Get(prefix + "Name"); name != "" {
			return name, header.Get(prefix + "Version")
		}
	}
	return "", ""
}

// clientApp gives the app under whose name it is counted.
func (m *Metrics) clientApp(app ClientApp) ClientApp {
	if known, found := m.clientApps.get(app); found {
		return known
	}
	// The names may be parts of a header, which would stay in memory with them.
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
