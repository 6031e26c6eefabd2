package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Message is one outgoing push, SMS, Alimtalk or e-mail: a durable job and the
// record of what was sent, to whom, with what result.
type Message struct{ ent.Schema }

// Fields of Message.
func (Message) Fields() []ent.Field {
	return []ent.Field{
		field.Int("root_user_id").Optional().Nillable().Immutable().
			Comment("None for a phone that is about to sign up."),
		field.Enum("channel").Values("push", "sms", "alimtalk", "email").Immutable(),
		field.String("to").StorageKey("recipient").NotEmpty().MaxLen(4096).Immutable(),
		field.Text("text").Sensitive().Comment("Blanked in production once sent: it may hold a code."),
		field.String("dedup_key").Optional().Nillable().Immutable().Comment("one intent, one message"),
		field.Enum("state").Values("pending", "sent", "dead").Default("pending"),
		field.Int("attempts").Default(0),
		field.Time("due_at").Comment("when to try next"),
		field.Time("leased_until").Optional().Nillable().Comment("a worker has it till then"),
		field.String("last_error").Optional().Nillable().MaxLen(500),
		createdAt(),
		field.Time("sent_at").Optional().Nillable(),
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
		index.Fields("root_user_id"),
		// What an account's phone got before it signed up goes with the account.
		index.Fields("to"),
	}
}
