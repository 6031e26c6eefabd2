package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Identity is one way to find an account: its e-mail, phone, local id or the
// subject by which a provider knows it. Among the accounts that are not deleted, a
// subject belongs to one. Sign-ups of Addnox that are not complete have no account yet,
// and any number of them may name one e-mail.
type Identity struct{ ent.Schema }

// Fields of Identity.
func (Identity) Fields() []ent.Field {
	return []ent.Field{
		field.Int("root_user_id").Optional().Nillable().
			Comment("Null while an Addnox sign-up is begun and not complete."),
		field.Enum("provider").Immutable().
			Values("email", "phone", "local", "facebook", "google", "apple", "kakao", "naver"),
		field.String("subject").NotEmpty().MaxRuneLen(254).
			Comment("Compared byte by byte, so e-mails and local ids are in lower case; a digest once the identity is deleted."),
		field.String("display_name").Optional().Nillable().MaxRuneLen(254).
			Comment("The local id as it was typed, or the name that the provider gave."),
		field.String("secret_hash").Optional().Nillable().Sensitive().
			Comment("The argon2id hash of the password of a sign-up that is not complete."),
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
		uniqueWhile(notDeleted+" AND root_user_id IS NOT NULL", "provider", "subject"),
		index.Fields("provider", "subject", "deleted_at"),
		index.Fields("root_user_id", "provider"),
	}
}
