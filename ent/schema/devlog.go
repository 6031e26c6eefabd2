package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"luxbff/ent/vocab"
)

// Devlog is one use of a device by a child (LUX device page, "Upload Device
// Usage Log").
type Devlog struct{ ent.Schema }

// Fields of Devlog. Times of use are seconds, intensities the device's steps.
func (Devlog) Fields() []ent.Field {
	return []ent.Field{
		rootUserID(),
		field.Int("child_user_id").Immutable(),
		field.Int("device_id").Immutable(),
		field.Int("registration").Comment("the device's, when the log came or changed last"),
		field.String("status").GoType(vocab.DevlogStatus("")),
		field.Int("finish_flag").GoType(vocab.FinishFlag(0)).Optional().Nillable(),
		field.String("treatment_date").GoType(vocab.LocalDateTime("")),
		field.Int("last_intensity").NonNegative(),
		field.Int("treatment_time").NonNegative().Comment("seconds"),
		field.Int("log_file_id").Optional().Nillable(),
		createdAt(),
		field.Time("updated_at"),
	}
}

// Edges of Devlog.
func (Devlog) Edges() []ent.Edge {
	return []ent.Edge{
		rootUser("devlogs"),
		edge.From("child_user", ChildUser.Type).Ref("devlogs").Field("child_user_id").
			Unique().Required().Immutable(),
		edge.From("device", Device.Type).Ref("devlogs").Field("device_id").
			Unique().Required().Immutable(),
	}
}

// Indexes of Devlog: the two rules that hold under any race, the replay check
// of a record without log_file_id, and the newest-first history of a child.
func (Devlog) Indexes() []ent.Index {
	return []ent.Index{
		uniqueWhile("status = 'TEMPORARY'", "child_user_id", "device_id"),
		index.Fields("device_id", "registration", "log_file_id").Unique(),
		index.Fields("device_id", "registration", "treatment_date"),
		index.Fields("child_user_id", "id"),
		index.Fields("root_user_id"),
	}
}
