package gqlhttp

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// documents makes of the parameters of a request a document that can be executed and
// variables that fit it, whatever transport brought them. gqlgen has a place for a check
// neither between parsing and validation nor before the coercion of variables, so both are
// done here, before it; gqlgen then finds the document in the operation's context.
type documents struct {
	schema      *ast.Schema
	limits      documentLimits
	repetitions repetitionLimits
	rules       func() *rules.Rules
	cached      *textCache[*ast.QueryDocument]
	trusted     *TrustedDocuments
	// schemaOpen lets clients read the schema by documents that are not trusted: those of
	// GraphiQL are made as it is used.
	schemaOpen bool
}

func newDocuments(config Config) *documents {
	return &documents{
		limits:      documentLimits{config.MaxTokens, config.MaxSelections, config.MaxDepth},
		repetitions: repetitionLimits{config.MaxAliases, config.MaxRootFields, config.MaxRepeatedFields},
		rules:       validationRules(config),
		cached:      newTextCache[*ast.QueryDocument](cachedDocuments, cachedDocumentBytes),
		trusted:     config.Trusted,
		schemaOpen:  config.Introspection,
	}
}

// ExtensionName implements graphql.HandlerExtension.
func (*documents) ExtensionName() string { return "Documents" }

// Validate implements graphql.HandlerExtension.
func (d *documents) Validate(schema graphql.ExecutableSchema) error {
	d.schema = schema.Schema()
	return nil
}

// MutateOperationParameters coerces the variables of the operation that is asked for. A
// document that is not valid is left to gqlgen, which parses and validates it again and
// reports all that is wrong with it.
func (d *documents) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	document, err := d.prepare(ctx, params.Query)
	if document == nil {
		return err
	}
	operation, err := chooseOperation(document, params.OperationName)
	if err != nil {
		return err
	}
	// Set even if a variable does not fit: the log and the transports ask what the
	// operation is.
	prepared := graphql.GetOperationContext(ctx)
	prepared.Doc, prepared.Operation = document, operation
	params.Variables, err = coerceVariables(d.schema, operation, params.Variables)
	if err != nil {
		return err
	}
	return refuseNulls(operation, params.Variables)
}

// prepare gives no document and no error for one that is not valid.
func (d *documents) prepare(ctx context.Context, text string) (*ast.QueryDocument, *gqlerror.Error) {
	if document := d.trusted.document(text); document != nil {
		return document, nil
	}
	if d.trusted.enforces() {
		return d.prepareUntrusted(ctx, text)
	}
	return d.prepareAny(ctx, text)
}

// prepareUntrusted refuses all that does more than read an open schema.
func (d *documents) prepareUntrusted(ctx context.Context, text string) (*ast.QueryDocument, *gqlerror.Error) {
	if !d.schemaOpen || !mayReadSchema(text) {
		return nil, d.trusted.refuse(ctx, text)
	}
	document, refused := d.prepareAny(ctx, text)
	if document == nil || onlyReadsSchema(document) {
		return document, refused
	}
	return nil, d.trusted.refuse(ctx, text)
}

func (d *documents) prepareAny(ctx context.Context, text string) (*ast.QueryDocument, *gqlerror.Error) {
	if document, known := d.cached.Get(ctx, text); known {
		return document, nil
	}
	document, refused, _ := d.parse(text)
	if document != nil {
		d.cached.Add(ctx, text, document)
	}
	return document, refused
}

// parse makes a document of a text. One that can't be executed is refused where a limit or a
// rule of this package says so, and otherwise invalid for what gqlparser finds wrong.
func (d *documents) parse(text string) (document *ast.QueryDocument, refused *gqlerror.Error, invalid gqlerror.List) {
	document, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, d.limits.maxTokens)
	if err != nil {
		return nil, d.limits.checkTokens(text), gqlerror.List{gqlerror.WrapIfUnwrapped(err)}
	}
	if len(document.Operations) == 0 {
		return nil, nil, gqlerror.List{gqlerror.Errorf("The document has no operation.")}
	}
	for _, check := range []func(*ast.QueryDocument) *gqlerror.Error{
		d.repetitions.checkWritten, d.limits.check, d.repetitions.check,
	} {
		if refused := check(document); refused != nil {
			return nil, refused, nil
		}
	}
	if refused := checkSyntax(text, document); refused != nil {
		errcode.Set(refused, errcode.ParseFailed)
		return nil, refused, nil
	}
	if invalid := validator.ValidateWithRules(d.schema, document, d.rules()); len(invalid) > 0 {
		return nil, nil, invalid
	}
	forgetDefinitions(d.schema, document)
	return document, nil, nil
}

// checkSyntax refuses what gqlparser reads and the grammar of the specification does not
// know: half a character in an escape, and variables of a fragment, which nothing would
// give a value.
func checkSyntax(text string, document *ast.QueryDocument) *gqlerror.Error {
	if hasLoneSurrogate([]byte(text)) {
		return gqlerror.Errorf("A \\u escape stands for half a character.")
	}
	for _, fragment := range document.Fragments {
		if len(fragment.VariableDefinition) > 0 {
			return gqlerror.ErrorPosf(fragment.Position, "A fragment defines no variables.")
		}
	}
	return nil
}

// chooseOperation gives the operation that the request names, or the only one.
func chooseOperation(document *ast.QueryDocument, name string) (*ast.OperationDefinition, *gqlerror.Error) {
	if operation := document.Operations.ForName(name); operation != nil {
		return operation, nil
	}
	refused := gqlerror.Errorf("The document has no operation of the name that operationName gives.")
	if name == "" {
		refused = gqlerror.Errorf("The document has several operations: operationName must name the one to run.")
	}
	errcode.Set(refused, errcode.ValidationFailed)
	refused.Extensions["field"] = "operationName"
	return nil, refused
}

// forgetDefinitions takes from each use of a variable the definition that validation found
// for it. Operations that share a fragment may define its variable with different
// defaults, and gqlparser would give each the default of the one that was validated last.
// The coerced variables hold the defaults already.
func forgetDefinitions(schema *ast.Schema, document *ast.QueryDocument) {
	var observers core.Events
	observers.OnValue(func(_ *core.Walker, value *ast.Value) { value.VariableDefinition = nil })
	core.Walk(schema, document, &observers)
}

// preparedDocument is where gqlgen looks for a document before it parses the text.
type preparedDocument struct{}

// Get implements graphql.Cache.
func (preparedDocument) Get(ctx context.Context, _ string) (document *ast.QueryDocument, known bool) {
	document = graphql.GetOperationContext(ctx).Doc
	return document, document != nil
}

// Add implements graphql.Cache. It keeps nothing: what gets here was not prepared.
func (preparedDocument) Add(context.Context, string, *ast.QueryDocument) {}
