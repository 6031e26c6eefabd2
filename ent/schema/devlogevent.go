package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"luxbff/ent/vocab"
)

// DevlogEvent is an entry of the event log of a root user, which subscribers read;
// what goes through NATS only says that there is something to read. Within an
// account each new event has the number that follows the one before. Numbers are
// missing where old events were pruned or a child was deleted.
type DevlogEvent struct{ ent.Schema }

// Fields of DevlogEvent. They copy the devlog as it was at the change, so that a
// subscriber who resumes gets the same events as one whose connection never broke.
func (DevlogEvent) Fields() []ent.Field {
	return []ent.Field{
		rootUserID(),
		field.Int64("seq").Immutable(),
		field.Int("devlog_id").Immutable(),
		field.Int("child_user_id").Immutable(),
		field.Int("device_id").Immutable(),
		field.String("change").GoType(vocab.DevlogChange("")).Immutable(),
		field.String("status").GoType(vocab.DevlogStatus("")).Immutable(),
		field.Int("finish_flag").GoType(vocab.FinishFlag(0)).Optional().Nillable().Immutable(),
		field.String("treatment_date").GoType(vocab.LocalDateTime("")).Immutable(),
		field.String("treatment_offset").Optional().Nillable().Immutable(),
		field.Int("last_intensity").Immutable(),
		field.Int("treatment_time").Immutable(),
		field.Int("log_file_id").Optional().Nillable().Immutable(),
		field.Int("last_log_file_id").Immutable().Comment("The last_log_file_id of the device after the change."),
		field.Time("devlog_created_at").Immutable(),
		field.Time("occurred_at").Immutable(),
	}
}

// Edges of DevlogEvent.
func (DevlogEvent) Edges() []ent.Edge {
	return []ent.Edge{
		rootUser("devlog_events"),
		edge.From("child_user", ChildUser.Type).Ref("devlog_events").Field("child_user_id").
			Unique().Required().Immutable(),
	}
}

// Indexes of DevlogEvent.
func (DevlogEvent) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("root_user_id", "seq").Unique(),
		index.Fields("child_user_id"),
		index.Fields("occurred_at"),
	}
}
