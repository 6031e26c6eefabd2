// Package schema is the storage model: a file for each entity, with its fields,
// edges, indexes and the rules that one row must keep by itself. Rules that need
// other rows or the caller are those of internal/. It imports ent and ent/vocab
// alone.
//
// A change here needs `go generate ./...` and a migration for each of the two
// engines (internal/store/newmigration).
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// notDeleted limits a unique key to rows that are not deleted, so that a new account
// may have what a deleted one had.
const notDeleted = "deleted_at IS NULL"

// createdAt is when the row was written. The caller sets it from the clock that is
// injected into its package, not the database, so that tests can move the time.
func createdAt() ent.Field { return field.Time("created_at").Immutable() }

// rootUserID is the account that a row belongs to. Every table below a user has it,
// also where another column would lead to the account, so that a distributed engine
// can shard by it.
func rootUserID() ent.Field { return field.Int("root_user_id").Immutable() }

// rootUser is the edge that root_user_id stands for.
func rootUser(ref string) ent.Edge {
	return edge.From("root_user", User.Type).Ref(ref).Field("root_user_id").Unique().Required().Immutable()
}

// cascade lets the database delete the rows at the other end of an edge together
// with their parent.
func cascade() *entsql.Annotation { return entsql.OnDelete(entsql.Cascade) }

// uniqueWhile is a unique key over those rows alone that meet the condition, a
// partial index in both engines.
func uniqueWhile(condition string, fields ...string) ent.Index {
	return index.Fields(fields...).Unique().Annotations(entsql.IndexWhere(condition))
}
