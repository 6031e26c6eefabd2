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
			Comment("SHA-256 of the newest refresh token, the one that is good."),
		field.String("previous_hash").Default("").Sensitive().
			Comment("SHA-256 of the refresh token that the newest one replaced; empty before the first refresh."),
		field.String("rotation_salt").Default("").Sensitive().
			Comment("makes the newest refresh token out of the one before, for a client that lost the answer"),
		field.Int("rotation").Default(0).NonNegative().
			Comment("counts the refreshes; an access token carries the number of the refresh it came with"),
		field.Bool("is_rotation_used").Default(false).
			Comment("whether a token that came with the newest refresh was used, so that the answer has arrived"),
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
