package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Device is a device of the catalogue that the operator imports, and who has it. Its
// row is never deleted: unregistering clears who has it.
type Device struct{ ent.Schema }

// Fields of Device. A registration is the time that a child has the device, also
// with interruptions: it ends when another child gets the device. A devlog is a
// replay of an earlier one only within a registration, and last_log_file_id starts
// again with each.
func (Device) Fields() []ent.Field {
	return []ent.Field{
		field.String("serial_code").NotEmpty().MaxLen(32),
		field.String("mac_id").NotEmpty().MaxLen(17).Comment("The full MAC, as 00:80:E1:27:4C:84, or the id that the factory gave instead."),
		field.Int("project_id"),
		field.Int("hardware_id"),
		field.Int("now_firmware_id"),
		field.String("firmware_version").MaxRuneLen(32),
		field.String("unique_id").Optional().Nillable().MaxRuneLen(255).Comment("Set by the catalogue or by the app that registers the device; it names one device at a time."),
		field.String("device_alias").Default("").MaxRuneLen(100),
		field.Int("root_user_id").Optional().Nillable(),
		field.Int("child_user_id").Optional().Nillable(),
		field.Int("last_child_user_id").Optional().Nillable().
			Comment("The child that has it or had it last. It is no foreign key, so that it stays when that child is deleted."),
		field.Int("registration").Default(0).Comment("Rises by one when another child gets the device."),
		field.Int("last_log_file_id").Default(0).Comment("The highest log_file_id of this registration."),
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

// Indexes of Device. That a child has at most one device is held by the unique key
// that the edge from ChildUser makes; a device has at most one child because it has
// one column for it.
func (Device) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("serial_code").Unique(),
		index.Fields("mac_id").Unique(),
		index.Fields("unique_id").Unique(),
		index.Fields("root_user_id"),
	}
}
