// Package schema is the storage model: one file a noun, with its fields, edges,
// indexes and the invariants of one row. Rules that cross rows or depend on the
// caller live in internal/. It imports ent and ent/vocab alone.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// liveOnly limits a unique key to rows that are not deleted, so that what a
// deleted account held is free for a new one.
const liveOnly = "deleted_at IS NULL"

// createdAt is when the row was written, by the injected clock.
func createdAt() ent.Field { return field.Time("created_at").Immutable() }

// rootUserID is the account a row belongs to: the key by which a distributed
// engine shards every table below a user.
func rootUserID() ent.Field { return field.Int("root_user_id").Immutable() }

// rootUser is the edge behind root_user_id.
func rootUser(ref string) ent.Edge {
	return edge.From("root_user", User.Type).Ref(ref).Field("root_user_id").Unique().Required().Immutable()
}

// cascade deletes the rows on the other side together with their parent.
func cascade() *entsql.Annotation { return entsql.OnDelete(entsql.Cascade) }

// uniqueWhile is a unique key over the rows that meet the condition.
func uniqueWhile(condition string, fields ...string) ent.Index {
	return index.Fields(fields...).Unique().Annotations(entsql.IndexWhere(condition))
}
