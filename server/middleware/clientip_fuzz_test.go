package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"luxbff/server/middleware"
)

// FuzzForwardedFor holds that nothing which a client writes into X-Forwarded-For makes it
// pass for another: what the proxy appends wins over everything left of it. Without the
// proxy the header says nothing at all, and every address counts as one in each of the
// forms in which proxies write it.
func FuzzForwardedFor(f *testing.F) {
	for _, header := range []string{
		"", "203.0.113.7", "198.51.100.1, 203.0.113.7:50123", `"[2001:db8::7]:50123"`, "unknown", "_hidden, 10.0.0.1", "[::ffff:10.0.0.5]",
		"fe80::7%eth0", ",,", `"`, "10.0.0.9, 10.0.0.8",
	} {
		f.Add(header, uint32(0xcb007107))
	}
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	proxy := netip.MustParseAddr("10.0.0.5")
	ask := func(peer netip.Addr, lines ...string) netip.Addr {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = netip.AddrPortFrom(peer, 40000).String()
		r.Header["X-Forwarded-For"] = lines
		return middleware.ClientIP(r, middleware.Proxies{Networks: trusted})
	}
	f.Fuzz(func(t *testing.T, header string, bits uint32) {
		client := netip.AddrFrom4([4]byte{byte(bits >> 24), byte(bits >> 16), byte(bits >> 8), byte(bits)})
		if trusted[0].Contains(client) {
			client = netip.MustParseAddr("2001:db8::7")
		}
		port := netip.AddrPortFrom(client, 50123).String()
		for _, hop := range []string{client.String(), port, `"` + port + `"`, "\t" + client.String() + " "} {
			if got := ask(proxy, header+", "+hop); got != client {
				t.Errorf("behind %q the proxy wrote %q, and the client counts as %s", header, hop, got)
			}
			if got := ask(proxy, header, hop); got != client {
				t.Errorf("after a line %q the proxy wrote %q, and the client counts as %s", header, hop, got)
			}
		}
		if got := ask(client, header); got != client {
			t.Errorf("no proxy is trusted, and yet %q makes %s count as %s", header, client, got)
		}
		if got := ask(proxy, header); !got.IsValid() || got.Is4In6() {
			t.Errorf("%q makes the client count as %s", header, got)
		}
	})
}
