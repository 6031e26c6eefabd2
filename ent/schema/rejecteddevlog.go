package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// RejectedDevlog is a record of an upload that could not be stored while the others of the
// upload were. It waits for an operator, who finds out why the app sent it.
type RejectedDevlog struct{ ent.Schema }

// Fields of RejectedDevlog. A record that is sent again is counted in its row.
func (RejectedDevlog) Fields() []ent.Field {
	return []ent.Field{
		rootUserID(),
		field.String("digest").NotEmpty().MaxLen(64).Immutable().Comment("SHA-256 of the record, by which it is known again."),
		field.String("record").NotEmpty().Immutable().Comment("The record as JSON, with the names of DevlogInput."),
		field.String("code").NotEmpty().Comment("The error's code in GraphQL."),
		field.String("field").Comment("The member of the record that is wrong."),
		field.Int("times").Default(1).Comment("How often it was sent."),
		createdAt(),
		field.Time("rejected_at").Comment("When it was sent last."),
	}
}

// Edges of RejectedDevlog.
func (RejectedDevlog) Edges() []ent.Edge { return []ent.Edge{rootUser("rejected_devlogs")} }

// Indexes of RejectedDevlog: a record that comes again, those of an account from the newest
// on, and those that are due to be pruned.
func (RejectedDevlog) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("root_user_id", "digest").Unique(),
		index.Fields("root_user_id", "id"),
		index.Fields("rejected_at"),
	}
}
