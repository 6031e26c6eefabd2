package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"luxbff/ent/vocab"
)

// User is a root user: the account that signs in. A deleted account stays as
// an empty row, because the contract tells it apart from one that never was.
type User struct{ ent.Schema }

// Fields of User. Names, birthdate, gender, phone and e-mail are personal data
// and are blanked when the account is deleted.
func (User) Fields() []ent.Field {
	return []ent.Field{
		field.String("first_name").Optional().Nillable().MaxRuneLen(100),
		field.String("last_name").Optional().Nillable().MaxRuneLen(100),
		field.String("birthdate").GoType(vocab.Date("")).Optional().Nillable(),
		field.String("gender").GoType(vocab.Gender("")).Optional().Nillable(),
		field.String("email").Optional().Nillable().MaxRuneLen(254).
			Comment("As typed. Who owns the address is said by Identity."),
		field.Bool("is_email_verified").Default(false),
		field.String("phone").Optional().Nillable().MaxLen(16).Comment("E.164"),
		field.String("register_type").GoType(vocab.RegisterType("")).Immutable(),
		field.String("national_code").Optional().Nillable().MaxLen(2).Comment("ISO 3166-1 alpha-2"),
		field.String("password_hash").Optional().Nillable().Sensitive().
			Comment("argon2id: one account, one password, several ways in"),
		field.Time("password_changed_at").Optional().Nillable(),
		field.Int("wrong_passwords").Default(0).Comment("in a row"),
		field.Time("blocked_until").Optional().Nillable(),
		field.Int("credential_version").Default(1).
			Comment("Rises when credentials change; tokens of an older version are refused."),
		field.String("push_token").Optional().Nillable().Sensitive().MaxLen(4096),
		field.Bool("is_device_muted").Default(false),
		field.Bool("is_device_alim_talk_enabled").Default(false),
		field.Bool("is_basestation_alert_enabled").Default(false),
		field.Bool("is_admin").Default(false),
		field.Time("notification_checked_at").Optional().Nillable(),
		field.Int64("event_seq").Default(0).
			Comment("The last number given to one of its devlog events, taken under this row's lock."),
		field.Int64("event_floor").Default(0).
			Comment("The greatest number of an event that was pruned: who stands below it has missed some."),
		createdAt(),
		field.Time("deleted_at").Optional().Nillable(),
	}
}

// Edges of User.
func (User) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("identities", Identity.Type).Annotations(cascade()),
		edge.To("sessions", Session.Type).Annotations(cascade()),
		edge.To("consent", Consent.Type).Unique().Annotations(cascade()),
		edge.To("push_devices", PushDevice.Type).Annotations(cascade()),
		edge.To("child_users", ChildUser.Type).Annotations(cascade()),
		edge.To("devices", Device.Type),
		edge.To("devlogs", Devlog.Type).Annotations(cascade()),
		edge.To("devlog_events", DevlogEvent.Type).Annotations(cascade()),
		edge.To("feed_positions", FeedPosition.Type).Annotations(cascade()),
		edge.To("verification_codes", VerificationCode.Type).Annotations(cascade()),
		edge.To("messages", Message.Type).Annotations(cascade()),
	}
}
