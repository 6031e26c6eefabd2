package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"luxbff/ent/vocab"
)

// User is a root user: the account that signs in. The row of a deleted account stays
// without its data, because the contract has different errors for an account that
// was deleted and one that never was.
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
			Comment("As it was typed. Which account an address belongs to is in Identity."),
		field.Bool("is_email_verified").Default(false),
		field.String("previous_verified_email").Optional().Nillable().MaxRuneLen(254).
			Comment("In lower case: the address that the account had verified before it took one that is not verified yet. Null once another account takes it."),
		field.String("phone").Optional().Nillable().MaxLen(16).Comment("In the form E.164, as +821012345670."),
		field.String("register_type").GoType(vocab.RegisterType("")).Immutable(),
		field.String("national_code").Optional().Nillable().MaxLen(2).Comment("An ISO 3166-1 alpha-2 code."),
		field.String("password_hash").Optional().Nillable().Sensitive().
			Comment("The argon2id hash of the one password, whichever identity is used to sign in."),
		field.Time("password_changed_at").Optional().Nillable(),
		field.Int("wrong_passwords").Default(0).Comment("How many wrong passwords were tried in a row; it starts again when sign-in is blocked."),
		field.Time("blocked_until").Optional().Nillable(),
		field.Int("credential_version").Default(1).
			Comment("Rises when credentials change. Long-lived tokens of an older version are refused."),
		field.String("push_token").Optional().Nillable().Sensitive().MaxLen(4096),
		field.Time("push_token_set_at").Optional().Nillable().
			Comment("When the app set it last, to the day; null for one that is older than the column."),
		field.Bool("is_device_muted").Default(false),
		field.Bool("is_device_alim_talk_enabled").Default(false),
		field.Bool("is_basestation_alert_enabled").Default(false),
		field.Bool("is_admin").Default(false),
		field.Time("notification_checked_at").Optional().Nillable(),
		field.Int64("event_seq").Default(0).
			Comment("The number of its newest devlog event. It is raised under a lock of this row, so that numbers are committed in order."),
		field.Int64("event_floor").Default(0).
			Comment("The highest number of an event that was pruned. A cursor below it has missed events."),
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
		edge.To("rejected_devlogs", RejectedDevlog.Type).Annotations(cascade()),
		edge.To("devlog_events", DevlogEvent.Type).Annotations(cascade()),
		edge.To("feed_positions", FeedPosition.Type).Annotations(cascade()),
		edge.To("verification_codes", VerificationCode.Type).Annotations(cascade()),
		edge.To("installations", Installation.Type).Annotations(cascade()),
		edge.To("messages", Message.Type).Annotations(cascade()),
		edge.To("idempotency_keys", IdempotencyKey.Type).Annotations(cascade()),
	}
}

// Indexes of User.
func (User) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("previous_verified_email"),
		// A push token may be longer than a row of PostgreSQL's usual index.
		index.Fields("push_token").Annotations(entsql.IndexTypes(map[string]string{dialect.Postgres: "HASH"})),
	}
}
