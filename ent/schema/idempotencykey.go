package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// IdempotencyKey is a request that a client has given a key, so that it can send the request
// again without having it done again: first the claim of whoever runs it, then its answer.
type IdempotencyKey struct{ ent.Schema }

// Fields of IdempotencyKey. The answer is encrypted with the key, of which only a hash is
// stored: it may hold tokens.
func (IdempotencyKey) Fields() []ent.Field {
	return []ent.Field{
		field.Int("root_user_id").Optional().Nillable().Immutable().
			Comment("Null for a request without an account, as a sign-in."),
		field.String("key_hash").NotEmpty().MaxLen(64).Immutable().Comment("SHA-256 of the account and the key."),
		field.String("digest").NotEmpty().MaxLen(64).Comment("SHA-256 of the request, by which another one with the same key is known."),
		field.String("claim").NotEmpty().MaxLen(32).Comment("Random: names the run that may write for the request."),
		field.Time("claimed_until").Comment("From then on a run without an answer is taken for lost."),
		field.Bool("is_executed").Default(false).Comment("Whether the run has stored something; it is set in the same transaction."),
		field.Int("status").Optional().Nillable().Comment("The HTTP status of the answer; null before there is one."),
		field.Bytes("answer").Optional().Nillable().Sensitive().Comment("Encrypted; null for one that is too long to be kept."),
		createdAt(),
	}
}

// Edges of IdempotencyKey.
func (IdempotencyKey) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("root_user", User.Type).Ref("idempotency_keys").Field("root_user_id").Unique().Immutable(),
	}
}

// Indexes of IdempotencyKey: one key, those of an account from the newest on, and those that
// are due to be pruned.
func (IdempotencyKey) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("key_hash").Unique(),
		index.Fields("root_user_id", "id"),
		index.Fields("created_at"),
	}
}
