package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// Consent is what a user has agreed to and when (the policy of the user pages).
type Consent struct{ ent.Schema }

// Fields of Consent. A date is set when its flag becomes true, and stays when the
// flag becomes false again.
func (Consent) Fields() []ent.Field {
	return []ent.Field{
		rootUserID(),
		field.Bool("is_push_agree").Default(false),
		field.Bool("is_marketing_agree").Default(false),
		field.Time("push_agree_date").Optional().Nillable(),
		field.Time("marketing_agree_date").Optional().Nillable(),
		createdAt(),
	}
}

// Edges of Consent.
func (Consent) Edges() []ent.Edge { return []ent.Edge{rootUser("consent")} }
