package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
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
		field.Time("last_used_at").Optional().Nillable().
			Comment("When a token of it was last used, to a minute; null in rows of before it was kept, where refreshed_at says it."),
		field.String("client_name").Optional().Nillable().MaxLen(4 * 64).Comment("What the app that signed in said of itself."),
		field.String("client_version").Optional().Nillable().MaxLen(4 * 32),
	}
}

// Edges of Session.
func (Session) Edges() []ent.Edge { return []ent.Edge{rootUser("sessions")} }

// Indexes of Session.
func (Session) Indexes() []ent.Index {
	return []ent.Index{
		// Ended ones stay until they expire, and no statement asks for those of an account.
		index.Fields("root_user_id").Annotations(entsql.IndexWhere("ended_at IS NULL")),
		index.Fields("expires_at"),
	}
}
