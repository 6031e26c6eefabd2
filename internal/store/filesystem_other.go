//go:build !linux

package store

// UnfitFileSystem finds nothing: each of the other systems would need a call of its own.
func UnfitFileSystem(string) string { return "" }
