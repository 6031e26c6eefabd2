package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Identity is one way to find an account: its e-mail, phone, local id or the
// subject a provider knows it by. One owner a subject among live accounts.
type Identity struct{ ent.Schema }

// Fields of Identity.
func (Identity) Fields() []ent.Field {
	return []ent.Field{
		field.Int("root_user_id").Optional().Nillable().
			Comment("None while an Addnox sign-up is begun and not complete."),
		field.Enum("provider").Immutable().
			Values("email", "phone", "local", "facebook", "google", "apple", "kakao", "naver"),
		field.String("subject").NotEmpty().MaxRuneLen(254).
			Comment("Compared as it stands: e-mails and local ids in lower case; a digest once deleted."),
		field.String("display_name").Optional().Nillable().MaxRuneLen(254).
			Comment("The local id as typed, or the name the provider gave."),
		field.String("secret_hash").Optional().Nillable().Sensitive().
			Comment("argon2id of the password of a sign-up that is not complete."),
		createdAt(),
		field.Time("deleted_at").Optional().Nillable(),
	}
}

// Edges of Identity.
func (Identity) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("root_user", User.Type).Ref("identities").Field("root_user_id").Unique(),
	}
}

// Indexes of Identity.
func (Identity) Indexes() []ent.Index {
	return []ent.Index{
		uniqueWhile(liveOnly, "provider", "subject"),
		index.Fields("provider", "subject", "deleted_at"),
		index.Fields("root_user_id", "provider"),
	}
}
