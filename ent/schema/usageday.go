package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// UsageDay counts the requests of a day of one version of an app to one route or operation,
// so that operators see which version still needs what. It names no account.
type UsageDay struct{ ent.Schema }

// Fields of UsageDay.
func (UsageDay) Fields() []ent.Field {
	return []ent.Field{
		field.String("day").NotEmpty().MaxLen(10).Immutable().Comment("In UTC, as 2026-11-29."),
		field.String("surface").NotEmpty().MaxLen(40).Immutable().Comment("GraphQL, or a surface of the REST routes."),
		field.String("name").NotEmpty().MaxLen(100).Immutable().Comment("A GraphQL operation, or method and path of a route."),
		field.String("app").NotEmpty().MaxLen(40).Immutable().Comment("What the app names itself by."),
		field.String("version").NotEmpty().MaxLen(40).Immutable(),
		field.Int("requests").Default(0),
	}
}

// Indexes of UsageDay. The unique key finds the rows of a day, and those of a surface of it,
// as well.
func (UsageDay) Indexes() []ent.Index {
	return []ent.Index{index.Fields("day", "surface", "name", "app", "version").Unique()}
}
