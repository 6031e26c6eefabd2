package account_test

import "testing"

// BenchmarkAuthenticate is what every request with a token waits for: the claims
// of the token come from a cache, so it is the read of the account.
func BenchmarkAuthenticate(b *testing.B) {
	w := newWorld(b)
	tokens := w.signUp(b, email, phone).Tokens
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.auth.Sessions.Authenticate(b.Context(), tokens.AccessToken); err != nil {
			b.Fatal(err)
		}
	}
}
