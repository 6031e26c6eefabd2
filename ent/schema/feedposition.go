package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// FeedPosition is how far an installation of the app has acknowledged the feed: that
// of all children, or that of the one child it subscribed to.
type FeedPosition struct{ ent.Schema }

// Fields of FeedPosition.
func (FeedPosition) Fields() []ent.Field {
	return []ent.Field{
		rootUserID(),
		field.String("installation_id").MaxLen(64).Immutable(),
		field.Int("child_user_id").Optional().Nillable().Immutable().Comment("Null for the feed of all children."),
		field.Int64("seq").Comment("The number of the last event acknowledged, or of the newest event when the position was made."),
		field.Bool("has_gap").Default(false).
			Comment("Events before seq were lost, and nothing has been acknowledged since."),
		field.Int("session_id").Optional().Nillable().
			Comment("The session that used it last, whose sign-out removes it; null for a long-lived token."),
		field.Time("updated_at"),
	}
}

// Edges of FeedPosition.
func (FeedPosition) Edges() []ent.Edge {
	return []ent.Edge{
		rootUser("feed_positions"),
		edge.From("child_user", ChildUser.Type).Ref("feed_positions").Field("child_user_id").Unique().Immutable(),
	}
}

// Indexes of FeedPosition.
func (FeedPosition) Indexes() []ent.Index {
	return []ent.Index{
		uniqueWhile("child_user_id IS NULL", "root_user_id", "installation_id"),
		uniqueWhile("child_user_id IS NOT NULL", "root_user_id", "installation_id", "child_user_id"),
		index.Fields("child_user_id"),
		index.Fields("root_user_id", "updated_at"),
		index.Fields("updated_at"),
	}
}
