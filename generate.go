// Package luxbff is the root of the module. It holds no code: only the order in
// which the generators run, because gqlgen binds to the types that ent writes.
package luxbff

//go:generate go tool ent generate --feature sql/versioned-migration,sql/execquery,sql/upsert,sql/lock,sql/modifier --template dir=ent/template --target ./ent ./ent/schema
//go:generate go run ./internal/tools/gqlgen
