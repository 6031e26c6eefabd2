package auth

import (
	"context"
	"fmt"
	"net/netip"

	"luxbff/internal/ratelimit"
)

// TwoHashSlots makes as many passwords be hashed at once as on a machine with two cores.
func TwoHashSlots(p *Passwords) { p.queue.slots = 2 }

// FillHashes has an account run one hash and wait with as many as may wait, until release
// is called.
func FillHashes(p *Passwords, key HashKey) (release func()) {
	return fill(p, func(int) *hashCall { return newCall(key, "") })
}

// FillAllHashes leaves no room for anybody to have a password hashed.
func FillAllHashes(p *Passwords) (release func()) {
	return fill(p, func(i int) *hashCall {
		client := ratelimit.WithClient(context.Background(), netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
		return newCall(HashKey(fmt.Sprint("stranger ", i)), ratelimit.ClientOf(client))
	})
}

func newCall(key HashKey, client string) *hashCall {
	return &hashCall{account: key, client: client, turn: make(chan struct{})}
}

func fill(p *Passwords, next func(int) *hashCall) func() {
	var joined []*hashCall
	for i := 0; ; i++ {
		call := next(i)
		if _, err := p.queue.join(call); err != nil {
			break
		}
		joined = append(joined, call)
	}
	return func() {
		for _, call := range joined {
			p.queue.giveUp(call)
		}
	}
}

// Decoy is the hash that is compared with where there is no account.
func Decoy(p *Passwords) string { return p.decoy }
