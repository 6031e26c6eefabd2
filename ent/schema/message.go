package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Message is an outgoing push, SMS, Alimtalk or e-mail: the job of sending it, and
// then the record of what was sent, to whom, with what result.
type Message struct{ ent.Schema }

// Fields of Message.
func (Message) Fields() []ent.Field {
	return []ent.Field{
		field.Int("root_user_id").Optional().Nillable().Immutable().
			Comment("Null for a phone that is about to sign up."),
		field.Enum("channel").Values("push", "sms", "alimtalk", "email").Immutable(),
		field.Enum("purpose").Values(
			"phone_code", "sign_up_code", "recovery_code", "change_phone_code", "email_code",
			"password_reset", "account_report", "impedance_alert", "faulty_contacts", "new_sign_in", "test",
		).Optional().Nillable().Immutable().Comment("What it is about; null in rows of releases that did not say."),
		field.String("to").StorageKey("recipient").NotEmpty().MaxLen(4096).Immutable(),
		field.String("title").Optional().Nillable().Immutable().Comment("The subject of an e-mail, or the title of a push."),
		field.Text("text").Sensitive().Comment("Blanked in production once it is sent, because it may hold a code."),
		field.Text("html").Optional().Nillable().Sensitive().Comment("The HTML part of an e-mail, blanked as the text is."),
		field.String("dedup_key").Optional().Nillable().Immutable().Comment("Unique, so that an intent that is repeated makes one message."),
		field.Bool("is_deleted_once_sent").Default(false).Immutable().
			Comment("For the last message to an account that is deleted: no record of it stays."),
		field.Enum("state").Values("pending", "sent", "delivered", "dead", "expired").Default("pending").
			Comment("Sent is taken by the provider; delivered is what the provider says of the recipient's device."),
		field.Int("attempts").Default(0),
		field.Time("due_at").Comment("When to try to send it next."),
		field.Time("expires_at").Optional().Nillable().Immutable().
			Comment("From then on it is not sent any more: the code in it is of no use."),
		field.Time("leased_until").Optional().Nillable().Comment("Until then a worker is sending it and no other takes it."),
		field.String("last_error").Optional().Nillable().MaxLen(500),
		createdAt(),
		field.Time("sent_at").Optional().Nillable(),
		field.String("provider").Optional().Nillable().MaxLen(16).Comment("Who took it, as solapi."),
		field.String("provider_id").Optional().Nillable().MaxLen(64).Comment("By what the provider knows it."),
		field.Time("check_at").Optional().Nillable().
			Comment("When to ask the provider next what became of it; null where nothing more is to be learnt."),
		field.Int("checks").Default(0).Comment("How often the provider was asked."),
		field.Time("delivered_at").Optional().Nillable(),
	}
}

// Edges of Message.
func (Message) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("root_user", User.Type).Ref("messages").Field("root_user_id").Unique().Immutable(),
	}
}

// Indexes of Message.
func (Message) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("dedup_key").Unique(),
		index.Fields("state", "due_at"),
		index.Fields("root_user_id", "id"),
		index.Fields("root_user_id"), // what the last release knows; the one above serves for both
		index.Fields("check_at").Annotations(entsql.IndexWhere("check_at IS NOT NULL")),
		// When an account is deleted, so is what its phone got before it signed up.
		index.Fields("to"),
	}
}
