package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// MessageQuota counts what was sent on a day on a channel, to a phone, or for a block of
// addresses, so that the limits hold for all replicas together.
type MessageQuota struct{ ent.Schema }

// Fields of MessageQuota.
func (MessageQuota) Fields() []ent.Field {
	return []ent.Field{
		field.String("subject").NotEmpty().MaxLen(80).Immutable().
			Comment("What is counted: a channel by its name, a phone or a block of addresses by its keyed digest."),
		field.String("day").NotEmpty().MaxLen(10).Immutable().Comment("In UTC, as 2026-11-29."),
		field.Int("sent").Default(0),
	}
}

// Indexes of MessageQuota.
func (MessageQuota) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("subject", "day").Unique(),
		index.Fields("day"),
	}
}
