package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Device is one device of the catalogue, which the operator loads, and who has
// it. It never leaves the catalogue: unregistering clears who has it.
type Device struct{ ent.Schema }

// Fields of Device. A registration begins when the device goes to a child that
// did not have it last; replays and last_log_file_id count within one.
func (Device) Fields() []ent.Field {
	return []ent.Field{
		field.String("serial_code").NotEmpty().MaxLen(32),
		field.String("mac_id").NotEmpty().MaxLen(17).Comment("the full MAC, 00:80:E1:27:4C:84"),
		field.Int("project_id"),
		field.Int("hardware_id"),
		field.Int("now_firmware_id"),
		field.String("firmware_version").MaxRuneLen(32),
		field.String("unique_id").Optional().Nillable().MaxRuneLen(255).Comment("names one device at a time"),
		field.String("device_alias").Default("").MaxRuneLen(100),
		field.Int("root_user_id").Optional().Nillable(),
		field.Int("child_user_id").Optional().Nillable(),
		field.Int("last_child_user_id").Optional().Nillable().
			Comment("Who has it or had it last; a child that is gone is still told apart."),
		field.Int("registration").Default(0).Comment("Rises when another child gets the device."),
		field.Int("last_log_file_id").Default(0).Comment("the highest seen in this registration"),
		field.Time("registered_at").Optional().Nillable(),
		createdAt(),
	}
}

// Edges of Device.
func (Device) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("root_user", User.Type).Ref("devices").Field("root_user_id").Unique(),
		edge.From("child_user", ChildUser.Type).Ref("device").Field("child_user_id").Unique(),
		edge.To("devlogs", Devlog.Type),
	}
}

// Indexes of Device. That a child has at most one device is the unique key of the
// edge from ChildUser; that a device has at most one child follows from the column.
func (Device) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("serial_code").Unique(),
		index.Fields("mac_id").Unique(),
		index.Fields("unique_id").Unique(),
		index.Fields("root_user_id"),
	}
}
