package middleware_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"luxbff/internal/testutil"
	"luxbff/server/middleware"
)

// TestClientIP holds what each form of peer and header counts as. The entries that
// are no address count as the proxy that wrote them.
func TestClientIP(t *testing.T) {
	t.Parallel()
	const proxy, second = "10.0.0.5:40000", "192.168.0.1"
	for name, tc := range map[string]struct {
		peer      string
		forwarded []string // one header line each
		want      string   // empty: no valid address
	}{
		// The peer itself.
		"IPv4":                         {"203.0.113.7:40000", nil, "203.0.113.7"},
		"IPv6":                         {"[2001:db8::7]:40000", nil, "2001:db8::7"},
		"IPv6 with a zone":             {"[fe80::7%eth0]:40000", nil, "fe80::7%eth0"},
		"IPv4 written as IPv6":         {"[::ffff:203.0.113.7]:40000", nil, "203.0.113.7"},
		"IPv4 written as IPv6 in hex":  {"[::ffff:cb00:7107]:40000", nil, "203.0.113.7"},
		"NAT64 stays IPv6":             {"[64:ff9b::cb00:7107]:40000", nil, "64:ff9b::cb00:7107"},
		"6to4 stays IPv6":              {"[2002:cb00:7107::]:40000", nil, "2002:cb00:7107::"},
		"IPv4 loopback":                {"127.0.0.1:40000", nil, "127.0.0.1"},
		"IPv6 loopback":                {"[::1]:40000", nil, "::1"},
		"no peer":                      {"", nil, ""},
		"a peer on a Unix socket":      {"@", nil, ""},
		"a peer that is no address":    {"ohno:40000", nil, ""},
		"a peer without a port":        {"203.0.113.7", nil, ""},
		"a header of no trusted proxy": {"203.0.113.7:40000", []string{"198.51.100.1"}, "203.0.113.7"},

		// Behind one trusted proxy or more.
		"one client":                    {proxy, []string{"203.0.113.7"}, "203.0.113.7"},
		"an IPv6 client":                {proxy, []string{"2001:db8::7"}, "2001:db8::7"},
		"a proxy named alone":           {"172.16.0.1:40000", []string{"203.0.113.7"}, "203.0.113.7"},
		"a neighbour of that proxy":     {"172.16.0.2:40000", []string{"203.0.113.7"}, "172.16.0.2"},
		"a client with a zone":          {proxy, []string{"fe80::7%eth0"}, "fe80::7%eth0"},
		"a proxy written as IPv6":       {"[::ffff:10.0.0.5]:40000", []string{"203.0.113.7"}, "203.0.113.7"},
		"a client written as IPv6":      {proxy, []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		"spaces":                        {proxy, []string{"  203.0.113.7\t"}, "203.0.113.7"},
		"two proxies":                   {proxy, []string{"203.0.113.7, " + second}, "203.0.113.7"},
		"an IPv6 proxy":                 {proxy, []string{"203.0.113.7, fd00::1"}, "203.0.113.7"},
		"a client that invents another": {proxy, []string{"198.51.100.1, 203.0.113.7"}, "203.0.113.7"},
		"a client that invents a proxy": {proxy, []string{"10.0.0.9, 203.0.113.7"}, "203.0.113.7"},
		"two lines":                     {proxy, []string{"198.51.100.1", "203.0.113.7"}, "203.0.113.7"},
		"proxies in two lines":          {proxy, []string{"203.0.113.7", second}, "203.0.113.7"},
		"garbage left of the client":    {proxy, []string{"ohno, 203.0.113.7"}, "203.0.113.7"},
		"proxies alone":                 {proxy, []string{"10.0.0.9, " + second}, "10.0.0.9"},
		"no header":                     {proxy, nil, "10.0.0.5"},
		"an empty header":               {proxy, []string{""}, "10.0.0.5"},

		// Addresses in the other forms that proxies write.
		"IPv4 with a port":             {proxy, []string{"203.0.113.7:50123"}, "203.0.113.7"},
		"IPv6 with a port":             {proxy, []string{"[2001:db8::7]:50123"}, "2001:db8::7"},
		"IPv6 with port and zone":      {proxy, []string{"[fe80::7%eth0]:50123"}, "fe80::7%eth0"},
		"IPv4 as IPv6, in brackets":    {proxy, []string{"[::ffff:203.0.113.7]"}, "203.0.113.7"},
		"a proxy as IPv6, in brackets": {proxy, []string{"203.0.113.7, [::ffff:10.0.0.9]"}, "203.0.113.7"},
		"IPv6 in brackets":             {proxy, []string{"[2001:db8::7]"}, "2001:db8::7"},
		"a proxy with a port":          {proxy, []string{"203.0.113.7:50123, " + second + ":80"}, "203.0.113.7"},
		"an address in quotes":         {proxy, []string{`"203.0.113.7"`}, "203.0.113.7"},
		"all of it in quotes":          {proxy, []string{`"[2001:db8::7]:50123"`}, "2001:db8::7"},

		// Entries that are no address.
		"an unknown client":            {proxy, []string{"unknown"}, "10.0.0.5"},
		"garbage":                      {proxy, []string{"ohno"}, "10.0.0.5"},
		"garbage beyond two":           {proxy, []string{"ohno, " + second}, second},
		"a number too large":           {proxy, []string{"203.0.113.256"}, "10.0.0.5"},
		"a port that is none":          {proxy, []string{"203.0.113.7:ohno"}, "10.0.0.5"},
		"brackets that are not closed": {proxy, []string{"[2001:db8::7"}, "10.0.0.5"},
		"IPv4 in brackets":             {proxy, []string{"[203.0.113.7]"}, "10.0.0.5"},
		"an obfuscated name":           {proxy, []string{"_hidden"}, "10.0.0.5"},
		"an unspecified address":       {proxy, []string{"0.0.0.0"}, "0.0.0.0"},
		"an empty entry in between":    {proxy, []string{"203.0.113.7,, " + second}, second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trusted := []netip.Prefix{
				netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.168.0.0/16"),
				netip.MustParsePrefix("172.16.0.1/32"), netip.MustParsePrefix("fd00::/8"),
			}
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = tc.peer
			for _, line := range tc.forwarded {
				r.Header.Add("X-Forwarded-For", line)
			}
			got := middleware.ClientIP(r, middleware.Proxies{Networks: trusted})
			if tc.want == "" && got.IsValid() || tc.want != "" && got.String() != tc.want {
				t.Errorf("%s, want %q", got, tc.want)
			}
		})
	}
}

// TestClientIPOnUnixSocket holds that what a peer on a Unix socket says of its client is
// believed where such peers are proxies and nowhere else, and that the name which a peer
// gave its own end of the socket counts for nothing.
func TestClientIPOnUnixSocket(t *testing.T) {
	t.Parallel()
	network := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, tc := range map[string]struct {
		trusted         middleware.Proxies
		peer, forwarded string
		want            netip.Addr
	}{
		"a proxy":                        {middleware.Proxies{Unix: true}, "@", "198.51.100.1, 203.0.113.7", netip.MustParseAddr("203.0.113.7")},
		"a proxy behind another":         {middleware.Proxies{Networks: network, Unix: true}, "@", "203.0.113.7, 10.0.0.5", netip.MustParseAddr("203.0.113.7")},
		"a proxy that names nobody":      {middleware.Proxies{Unix: true}, "@", "", netip.Addr{}},
		"a proxy that knows no address":  {middleware.Proxies{Unix: true}, "@", "203.0.113.7, unknown", netip.Addr{}},
		"a peer that is no proxy":        {middleware.Proxies{Networks: network}, "@", "203.0.113.7", netip.Addr{}},
		"a peer with a name of a proxy":  {middleware.Proxies{Networks: network}, "10.0.0.5:40000", "203.0.113.7", netip.Addr{}},
		"a peer with a name of a client": {middleware.Proxies{Unix: true}, "203.0.113.9:40000", "203.0.113.7", netip.MustParseAddr("203.0.113.7")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			socket := context.WithValue(t.Context(), http.LocalAddrContextKey, &net.UnixAddr{Name: "/run/luxbff/http.sock", Net: "unix"})
			r := httptest.NewRequestWithContext(socket, http.MethodGet, "/", nil)
			r.RemoteAddr = tc.peer
			r.Header.Set("X-Forwarded-For", tc.forwarded)
			if got := middleware.ClientIP(r, tc.trusted); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

// TestAProxyThatIsNotBelievedIsLogged holds that it is warned of once, and that nobody else
// can have it written.
func TestAProxyThatIsNotBelievedIsLogged(t *testing.T) {
	t.Parallel()
	log := &testutil.Log{}
	trusted := middleware.Proxies{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.5/32")}}
	handler := middleware.WithClientIP(trusted, slog.New(slog.NewJSONHandler(log, nil)), http.NotFoundHandler())
	for _, c := range []struct {
		peer, forwarded string
		lines           int // of the log, from then on
	}{
		{"10.0.0.6:40000", "", 0},
		{"10.0.0.5:40000", "203.0.113.7", 0},
		{"10.0.0.5:40000", "192.168.0.7", 0}, // a client in a private network
		{"203.0.113.9:40000", "203.0.113.7", 0},
		{"10.0.0.6:40000", "203.0.113.7", 1},
		{"10.0.0.6:40000", "203.0.113.8", 1},
		{"127.0.0.1:40000", "203.0.113.8", 1},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		handler.ServeHTTP(httptest.NewRecorder(), r)
		if got := strings.Count(log.String(), "\n"); got != c.lines {
			t.Errorf("%d lines after %s for %q, want %d: %s", got, c.peer, c.forwarded, c.lines, log)
		}
	}
	if strings.Contains(log.String(), "203.0.113") {
		t.Errorf("the log shows a client: %s", log)
	}
}
