package middleware

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"luxbff/internal/ratelimit"
)

// Proxies are the peers whose X-Forwarded-For is believed. The zero value is none.
type Proxies struct {
	// Networks hold their addresses.
	Networks []netip.Prefix
	// Unix is whether the peers on a Unix socket, which have no address, are proxies.
	Unix bool
}

// Trust reports whether a peer is one of them; an invalid address is that of a peer on a
// Unix socket.
func (p Proxies) Trust(peer netip.Addr) bool {
	if !peer.IsValid() {
		return p.Unix
	}
	return slices.ContainsFunc(p.Networks, func(network netip.Prefix) bool { return network.Contains(peer) })
}

// WithClientIP puts the client's address into the context, where the rate limits
// look for it.
//
// It warns once of a proxy that is not believed: all clients behind it then share the limits
// of one. Only a peer of a private network is taken for one, as anybody can write the header.
func WithClientIP(trusted Proxies, log *slog.Logger, next http.Handler) http.Handler {
	var isLogged atomic.Bool
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header["X-Forwarded-For"]) > 0 {
			if peer := peerIP(r); (peer.IsPrivate() || peer.IsLoopback()) && !trusted.Trust(peer) && isLogged.CompareAndSwap(false, true) {
				log.WarnContext(r.Context(), "a proxy is not named in TRUSTED_PROXIES: all who come through it count as one client", "proxy", peer.String())
			}
		}
		next.ServeHTTP(w, r.WithContext(ratelimit.WithClient(r.Context(), ClientIP(r, trusted))))
	})
}

// ClientIP gives the address that a request comes from. It is the peer's, unless
// the peer is a trusted proxy; then it is the rightmost address of X-Forwarded-For
// that is no trusted proxy itself. Each proxy appends the address that it sees, so
// what a client writes there to pass for another is further left and is never
// reached.
//
// The result is invalid where the peer has no IP address, as on a Unix socket, and
// doesn't speak for a client that has one.
func ClientIP(r *http.Request, trusted Proxies) netip.Addr {
	ip := peerIP(r)
	if !trusted.Trust(ip) { // as most are: then nothing is read of the header
		return ip
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !trusted.Trust(ip) {
			return ip
		}
		forwarded, ok := parseHop(hop)
		if !ok {
			return ip
		}
		ip = forwarded
	}
	return ip
}

// peerIP doesn't look at the name of a peer on a Unix socket, which the peer chose itself:
// it may look like an address and a port.
func peerIP(r *http.Request) netip.Addr {
	if _, isUnix := r.Context().Value(http.LocalAddrContextKey).(*net.UnixAddr); isUnix {
		return netip.Addr{}
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap()
}

// parseHop reads one entry of X-Forwarded-For: an address, with a port or without, in
// quotes or without, IPv6 with a port in brackets. An entry that is none of these
// ("unknown", an obfuscated name) gives false: the client then counts as the proxy that
// wrote the entry, and shares that proxy's limits with others.
func parseHop(hop string) (netip.Addr, bool) {
	hop = strings.Trim(strings.TrimSpace(hop), `"`)
	if withPort, err := netip.ParseAddrPort(hop); err == nil {
		return withPort.Addr().Unmap(), true
	}
	if inside, found := strings.CutPrefix(hop, "["); found {
		hop, found = strings.CutSuffix(inside, "]")
		ip, err := netip.ParseAddr(hop)
		return ip.Unmap(), found && err == nil && ip.Is6()
	}
	ip, err := netip.ParseAddr(hop)
	return ip.Unmap(), err == nil
}
