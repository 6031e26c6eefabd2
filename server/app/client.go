package app

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"luxbff/internal/ratelimit"
)

// trustedProxies reads TRUSTED_PROXIES.
func trustedProxies(setting string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for text := range strings.SplitSeq(setting, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, errors.New("TRUSTED_PROXIES must be networks as 10.0.0.0/8, comma-separated")
		}
		networks = append(networks, network.Masked())
	}
	return networks, nil
}

// located tells the limits who asks.
func located(trusted []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(ratelimit.WithClient(r.Context(), clientAddress(r, trusted))))
	})
}

// clientAddress is the peer's; where that is a proxy to be believed, the last
// address of X-Forwarded-For that is none. What a client wrote there itself
// stands before it and counts for nothing.
func clientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	at := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !slices.ContainsFunc(trusted, func(n netip.Prefix) bool { return n.Contains(at) }) {
			return at
		}
		before, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return at
		}
		at = before.Unmap()
	}
	return at
}
