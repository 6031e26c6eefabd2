// Package luxbff is the root of the module. It holds no code: only the order in
// which the generators run, because gqlgen binds to the types that ent writes.
package luxbff

//go:generate go run ./internal/tools/ent
//go:generate go run ./internal/tools/gqlgen
