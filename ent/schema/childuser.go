package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"luxbff/ent/vocab"
)

// ChildUser is a child below a root user; the REST pages call it a real user. When
// one is deleted, its row, devlogs, events and feed positions go, and its device is
// unregistered.
type ChildUser struct{ ent.Schema }

// Fields of ChildUser.
func (ChildUser) Fields() []ent.Field {
	return []ent.Field{
		rootUserID(),
		field.String("first_name").MaxRuneLen(100),
		field.String("last_name").MaxRuneLen(100),
		field.String("birthdate").GoType(vocab.Date("")),
		field.String("gender").GoType(vocab.Gender("")),
		createdAt(),
	}
}

// Edges of ChildUser.
func (ChildUser) Edges() []ent.Edge {
	return []ent.Edge{
		rootUser("child_users"),
		edge.To("device", Device.Type).Unique(),
		edge.To("devlogs", Devlog.Type).Annotations(cascade()),
		edge.To("devlog_events", DevlogEvent.Type).Annotations(cascade()),
		edge.To("feed_positions", FeedPosition.Type).Annotations(cascade()),
	}
}

// Indexes of ChildUser.
func (ChildUser) Indexes() []ent.Index {
	return []ent.Index{index.Fields("root_user_id")}
}
