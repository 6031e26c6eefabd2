package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// PushDevice is a phone on which a user wants notifications (the registration id of
// SNUTT). A registration id belongs to the account that added it last.
type PushDevice struct{ ent.Schema }

// Fields of PushDevice.
func (PushDevice) Fields() []ent.Field {
	return []ent.Field{
		rootUserID(),
		field.String("registration_id").NotEmpty().MaxLen(2048).Immutable(),
		createdAt(),
		field.Time("added_at").Optional().Nillable().
			Comment("When the app added it last, to the day; null for a row older than the column."),
	}
}

// Edges of PushDevice.
func (PushDevice) Edges() []ent.Edge { return []ent.Edge{rootUser("push_devices")} }

// Indexes of PushDevice.
func (PushDevice) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("registration_id").Unique(),
		index.Fields("root_user_id"),
	}
}
