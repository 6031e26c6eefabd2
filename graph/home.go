package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/internal/auth"
	"luxbff/internal/viewer"
)

// ViewerCheck is the extension that asks the database whether the token of a request still
// opens its account. It waits until the document is known, because then the home screen
// takes one statement for that and for all that it shows. A subscription is left to its
// transport. It belongs before all extensions that ask who the viewer is.
type ViewerCheck struct{ Resolver *Resolver }

var _ interface {
	graphql.HandlerExtension
	graphql.ResponseInterceptor
} = ViewerCheck{}

// ExtensionName implements graphql.HandlerExtension.
func (ViewerCheck) ExtensionName() string { return "ViewerCheck" }

// Validate implements graphql.HandlerExtension.
func (ViewerCheck) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptResponse implements graphql.ResponseInterceptor. It runs for an operation that is
// refused as well, so that the log names its viewer.
func (c ViewerCheck) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	operation := graphql.GetOperationContext(ctx).Operation
	_, unchecked := viewer.Unchecked(ctx)
	switch {
	case !unchecked || operation != nil && operation.Operation == ast.Subscription:
	case operation != nil && isHome(operation):
		v, err := c.Resolver.children.ViewerOfHome(ctx, c.Resolver.auth.Sessions, *auth.ClaimsFrom(ctx))
		viewer.Settle(ctx, v, err)
	default:
		_, _ = c.Resolver.auth.Sessions.Settle(ctx) // whoever asks for the viewer gets the error
	}
	return next(ctx)
}

// isHome reports whether the operation asks for the children and for nothing that
// child.Service.ViewerOfHome does not read. What is not known here is not read there: a new
// field of the schema, for one.
func isHome(operation *ast.OperationDefinition) bool {
	if operation.Operation != ast.Query {
		return false
	}
	seesChildren := false
	return isWithin(operation.SelectionSet, func(field *ast.Field) bool {
		switch field.Name {
		case "childUsers":
			seesChildren = true
			return isWithin(field.SelectionSet, isHomeFieldOfChild)
		case "me":
			return isWithin(field.SelectionSet, isHomeFieldOfUser)
		}
		return field.Name == typeName
	}) && seesChildren
}

// typeName is the field of every type that Apollo's clients add to what an app asks for.
const typeName = "__typename"

func isHomeFieldOfUser(field *ast.Field) bool {
	switch field.Name {
	case "id", "globalId", "firstName", "lastName", "birthdate", "gender", "phone", "isPhoneNumberChecked",
		"needsPersonalInfoUpdate", "needsPasswordChange", typeName:
		return true
	}
	return false
}

func isHomeFieldOfChild(field *ast.Field) bool {
	switch field.Name {
	case "id", "globalId", "rootUserId", "firstName", "lastName", "birthdate", "gender", typeName:
		return true
	case "device":
		return isWithin(field.SelectionSet, isHomeFieldOfDevice)
	}
	return false
}

func isHomeFieldOfDevice(field *ast.Field) bool {
	switch field.Name {
	case "id", "globalId", "uniqueId", "deviceAlias", "firmwareVersion", "lastLogFileId", typeName:
		return true
	}
	return false
}

// isWithin reports whether all fields of a selection are allowed, those in fragments too.
// A valid document has no fragment that holds itself.
func isWithin(selections ast.SelectionSet, isAllowed func(*ast.Field) bool) bool {
	for _, selection := range selections {
		within := false
		switch selected := selection.(type) {
		case *ast.Field:
			within = isAllowed(selected)
		case *ast.InlineFragment:
			within = isWithin(selected.SelectionSet, isAllowed)
		case *ast.FragmentSpread:
			within = isWithin(selected.Definition.SelectionSet, isAllowed)
		}
		if !within {
			return false
		}
	}
	return true
}
