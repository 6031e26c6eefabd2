package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Installation is an app on a phone, or a browser, from which an account has signed in. A
// sign-in from one that is not known is reported to the others.
type Installation struct{ ent.Schema }

// Fields of Installation.
func (Installation) Fields() []ent.Field {
	return []ent.Field{
		rootUserID(),
		field.String("digest").NotEmpty().MaxLen(64).Immutable().
			Comment("A keyed digest of what the app says of itself."),
		createdAt(),
		field.Time("used_at").Comment("When it signed in last."),
	}
}

// Edges of Installation.
func (Installation) Edges() []ent.Edge { return []ent.Edge{rootUser("installations")} }

// Indexes of Installation.
func (Installation) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("root_user_id", "digest").Unique(),
		index.Fields("used_at"),
	}
}
