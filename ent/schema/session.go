package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Session is one sign-in and every token that was issued from it: a refresh token
// family.
type Session struct{ ent.Schema }

// Fields of Session.
func (Session) Fields() []ent.Field {
	return []ent.Field{
		rootUserID(),
		field.String("refresh_hash").Sensitive().
			Comment("The SHA-256 of the refresh token that is valid. Any other token of the session has been used before."),
		createdAt(),
		field.Time("refreshed_at"),
		field.Time("expires_at").Comment("When the refresh token that is valid expires."),
		field.Time("ended_at").Optional().Nillable(),
	}
}

// Edges of Session.
func (Session) Edges() []ent.Edge { return []ent.Edge{rootUser("sessions")} }

// Indexes of Session.
func (Session) Indexes() []ent.Index {
	return []ent.Index{index.Fields("root_user_id"), index.Fields("expires_at")}
}
