package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"luxbff/ent/vocab"
)

// VerificationCode is a code or one-time link that was sent to an address, and the
// grant that is given to who brings it back.
type VerificationCode struct{ ent.Schema }

// Fields of VerificationCode.
func (VerificationCode) Fields() []ent.Field {
	return []ent.Field{
		field.Int("root_user_id").Optional().Nillable().Immutable().
			Comment("Null for a phone that is about to sign up."),
		field.Enum("purpose").Values("phone", "email", "password_reset", "email_revert").Immutable(),
		field.String("sms_purpose").GoType(vocab.SmsCodePurpose("")).Optional().Nillable().Immutable().
			Comment("The one thing that the code of a phone serves for; null for any."),
		field.Bool("is_email_verified").Default(false).Immutable().
			Comment("Of an address that the account gave up: whether it had verified it."),
		field.String("address").NotEmpty().MaxRuneLen(254).Immutable().Comment("A phone in the form E.164, or an e-mail address."),
		field.String("code_hash").Sensitive().Immutable(),
		field.Int("tries").Default(0).Comment("How many wrong codes were tried."),
		createdAt(),
		field.Time("expires_at").Immutable(),
		field.Time("closed_at").Optional().Nillable().Comment("When it was used, or replaced by a newer code."),
		field.String("grant_hash").Optional().Nillable().Sensitive().
			Comment("The SHA-256 of the valid_token that is given for the right code of a phone."),
		field.Time("grant_expires_at").Optional().Nillable(),
		field.Time("grant_used_at").Optional().Nillable(),
	}
}

// Edges of VerificationCode.
func (VerificationCode) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("root_user", User.Type).Ref("verification_codes").Field("root_user_id").Unique().Immutable(),
	}
}

// Indexes of VerificationCode.
func (VerificationCode) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("purpose", "address", "created_at"),
		index.Fields("grant_hash").Unique(),
		index.Fields("root_user_id", "purpose"),
		index.Fields("created_at"),
	}
}
