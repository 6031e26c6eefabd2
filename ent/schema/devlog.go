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

// Fields of Devlog. An intensity is one of the device's steps.
func (Devlog) Fields() []ent.Field {
	return []ent.Field{
		rootUserID(),
		field.Int("child_user_id").Immutable(),
		field.Int("device_id").Immutable(),
		field.Int("registration").Comment("The registration of the device when the log was uploaded or changed last."),
		field.String("status").GoType(vocab.DevlogStatus("")),
		field.Int("finish_flag").GoType(vocab.FinishFlag(0)).Optional().Nillable(),
		field.String("treatment_date").GoType(vocab.LocalDateTime("")),
		field.String("treatment_offset").Optional().Nillable().
			Comment("The offset from UTC that was sent with the treatment_date, as +09:00."),
		field.Int("last_intensity").NonNegative(),
		field.Int("treatment_time").NonNegative().Comment("In seconds."),
		field.Int("log_file_id").Optional().Nillable(),
		field.Int64("change_seq").Default(0).
			Comment("Where its last change stands among those of the account: the number of the first event of the upload that made it. 0 for one that is older than the column."),
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

// Indexes of Devlog. The two unique ones hold rules under any race: a child has at
// most one temporary log with a device, and a log_file_id comes once in a
// registration. The others find a record without log_file_id that was uploaded
// before, the history of a child from its newest log on, what has changed in it, and the
// logs of an account that is deleted.
func (Devlog) Indexes() []ent.Index {
	return []ent.Index{
		uniqueWhile("status = 'TEMPORARY'", "child_user_id", "device_id"),
		index.Fields("device_id", "registration", "log_file_id").Unique(),
		index.Fields("device_id", "registration", "treatment_date"),
		index.Fields("child_user_id", "id"),
		index.Fields("child_user_id", "change_seq", "id"),
		index.Fields("root_user_id"),
	}
}
