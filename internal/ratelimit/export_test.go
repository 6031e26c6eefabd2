package ratelimit

// Kept is how many buckets there are.
func Kept(l *Limiter) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.buckets)
}
