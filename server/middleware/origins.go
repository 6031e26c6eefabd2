package middleware

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Origins are the web pages that may open sockets and read responses: browsers name the
// page that asks in the header Origin. Tokens travel in headers and never in cookies, so
// this keeps no secret from a page that has no token; it keeps pages of strangers from
// using the browsers of others, and from reaching a server that only its own machine can
// reach. The Host header decides nothing, because whoever owns a name chooses which
// address it leads to.
type Origins struct {
	// Allowed are origins as [ParseOrigin] gives them.
	Allowed []string
	// OwnAddress allows what a developer's browser shows of this server: the address
	// of the connection itself, and localhost at its port.
	OwnAddress bool
}

// ParseOrigin reads an origin as browsers write it, SCHEME://HOST or SCHEME://HOST:PORT,
// and gives it in lower case and without the port that its scheme has anyway. The schemes
// of apps in a web view are as good as any, as in capacitor://localhost. There is none
// for all pages, and "null" is whoever hides where it comes from: both are errors.
func ParseOrigin(text string) (string, error) {
	parsed, err := url.Parse(strings.ToLower(strings.TrimSpace(text)))
	if err != nil || parsed.Scheme == "" || parsed.Hostname() == "" || strings.Contains(parsed.Host, "*") {
		return "", errors.New("an origin is SCHEME://HOST or SCHEME://HOST:PORT")
	}
	if parsed.User != nil || strings.Trim(parsed.Path, "/") != "" || parsed.RawQuery != "" || parsed.Fragment != "" {
		return "", errors.New("an origin has neither user, path nor query")
	}
	host := parsed.Host
	if port := parsed.Port(); port == "" || port == map[string]string{"http": "80", "https": "443"}[parsed.Scheme] {
		host = strings.TrimSuffix(strings.TrimSuffix(host, port), ":")
	}
	return parsed.Scheme + "://" + host, nil
}

// Allow reports whether the page that sent r may read the response or open a socket. A
// request without the header is no browser's, or one for a page of the server itself.
func (o Origins) Allow(r *http.Request) bool {
	named := r.Header.Values("Origin")
	if len(named) == 0 {
		return true
	}
	origin, err := ParseOrigin(named[0])
	if err != nil || len(named) > 1 {
		return false
	}
	for _, allowed := range o.Allowed {
		if origin == allowed {
			return true
		}
	}
	return o.OwnAddress && isOwnAddress(r, origin)
}

// isOwnAddress compares with the address at which the connection arrived.
func isOwnAddress(r *http.Request, origin string) bool {
	local, isTCP := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !isTCP {
		return false
	}
	for _, host := range []string{local.IP.String(), "localhost", "127.0.0.1", "::1"} {
		own, err := ParseOrigin("http://" + net.JoinHostPort(host, strconv.Itoa(local.Port)))
		if err == nil && own == origin {
			return true
		}
	}
	return false
}

// What the pages of allowed origins may read besides the body, and for how many seconds
// a browser may remember the answer to a preflight: Chrome keeps none for longer.
const (
	exposedHeaders  = "Accept-Encoding, Allow, Deprecation, Idempotency-Replayed, Link, Retry-After, Sunset, Upgrade, Upgrade-Notice, X-Request-Id"
	preflightMaxAge = "7200"
)

// WithOrigins lets the pages of these origins read responses (CORS, the Fetch standard).
// Pages of others are served as if there were no such header, and their browsers keep
// the response from them. Nothing allows credentials: tokens are in headers that a page
// has to set itself.
func WithOrigins(origins Origins, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if origin == "" || !origins.Allow(r) {
			next.ServeHTTP(w, r)
			return
		}
		header := w.Header()
		header.Set("Access-Control-Allow-Origin", origin)
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			header.Add("Vary", "Access-Control-Request-Headers")
			w = preflight{w, r.Header.Get("Access-Control-Request-Headers")}
		} else {
			header.Set("Access-Control-Expose-Headers", exposedHeaders)
		}
		next.ServeHTTP(w, r)
	})
}

// preflight is the response to an OPTIONS request by which a browser asks whether a page
// may send another. The route itself says in Allow what it takes. The page may set
// whichever headers it likes, as the app whose page it is could.
type preflight struct {
	http.ResponseWriter

	asked string // the headers that the page wants to set
}

// WriteHeader implements http.ResponseWriter.
func (p preflight) WriteHeader(status int) {
	header := p.Header()
	if allow := header.Get("Allow"); allow != "" {
		header.Set("Access-Control-Allow-Methods", allow)
		header.Set("Access-Control-Max-Age", preflightMaxAge)
		if p.asked != "" {
			header.Set("Access-Control-Allow-Headers", p.asked)
		}
	}
	p.ResponseWriter.WriteHeader(status)
}

// Unwrap is for [http.ResponseController].
func (p preflight) Unwrap() http.ResponseWriter { return p.ResponseWriter }
