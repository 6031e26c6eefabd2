package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// inlinePlainFields shortens the functions of plain fields to one call that
// marshals the Go field. A plain field is a scalar that is read from a struct: it
// has no arguments, cannot fail, and has no field below it that would ask for its
// context. gqlgen's ResolveField makes a field context and four closures for each.
//
// The price is that field middleware does not see these fields. A field with a
// directive, @auth for one, is never plain: its check stays where it is.
func inlinePlainFields(source []byte) ([]byte, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	offset := func(position token.Pos) int { return files.Position(position).Offset }
	text := func(node ast.Node) string { return string(source[offset(node.Pos()):offset(node.End())]) }

	var inlined bytes.Buffer
	scalars := scalarFields(file)
	copied := 0 // how much of the source is written
	for _, declaration := range file.Decls {
		field, ok := plainField(declaration, scalars)
		if !ok {
			continue
		}
		inlined.Write(source[copied:offset(field.statement.Pos())])
		fmt.Fprintf(&inlined, "return %s(ctx, field.Selections, %s)", text(field.marshal), text(field.value))
		copied = offset(field.statement.End())
	}
	if copied == 0 {
		return nil, errors.New("no plain field is found")
	}
	inlined.Write(source[copied:])
	return inlined.Bytes(), nil
}

// plain is what is needed of the function of one plain field.
type plain struct {
	// statement is the return statement to be replaced.
	statement *ast.ReturnStmt
	// marshal is the function that marshals value, the field of the struct.
	marshal, value ast.Expr
}

// scalarFields lists the names of the functions whose fields have no fields of
// their own: gqlgen gives each of those a context function that fails when asked
// for a child.
func scalarFields(file *ast.File) map[string]bool {
	scalars := map[string]bool{}
	for _, declaration := range file.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok {
			continue
		}
		name, isContext := strings.CutPrefix(function.Name.Name, "fieldContext")
		if _, call := returnedCall(function.Body); isContext && isCallOf(call, "NewScalarFieldContext") {
			scalars[name] = true
		}
	}
	return scalars
}

// plainField recognizes a plain field in what gqlgen's template writes for every
// field:
//
//	return graphql.ResolveField(ctx, ec.OperationContext, field, context,
//		func(…) (any, error) { return obj.Name, nil },
//		nil, func(…, v string) graphql.Marshaler { return ec.marshal…(ctx, selections, v) },
//		true, nonNull)
//
// The sixth argument, nil here, is the directives of the field. A pointer where
// the schema has no null is not plain: ResolveField gives the error for nil the
// right path.
func plainField(declaration ast.Decl, scalars map[string]bool) (field plain, ok bool) {
	function, isFunction := declaration.(*ast.FuncDecl)
	if !isFunction || !scalars[function.Name.Name] {
		return plain{}, false
	}
	statement, call := returnedCall(function.Body)
	if !isCallOf(call, "ResolveField") || len(call.Args) != 9 {
		return plain{}, false
	}
	read, isLiteral := call.Args[4].(*ast.FuncLit)
	write, isLiteralToo := call.Args[6].(*ast.FuncLit)
	if !isLiteral || !isLiteralToo || !isName(call.Args[5], "nil") {
		return plain{}, false
	}
	value, isSelector := returnedSelector(read.Body)
	_, marshal := returnedCall(write.Body)
	if !isSelector || marshal == nil || (isName(call.Args[8], "true") && isPointer(lastParameter(write))) {
		return plain{}, false
	}
	return plain{statement: statement, marshal: marshal.Fun, value: value}, true
}

// returnedCall gives the call of a body that is only `return f(…)`.
func returnedCall(body *ast.BlockStmt) (*ast.ReturnStmt, *ast.CallExpr) {
	statement := onlyReturn(body)
	if statement == nil || len(statement.Results) != 1 {
		return nil, nil
	}
	call, _ := statement.Results[0].(*ast.CallExpr)
	return statement, call
}

// returnedSelector gives obj.A or obj.A.B of a body that is only
// `return obj.A, nil`.
func returnedSelector(body *ast.BlockStmt) (ast.Expr, bool) {
	statement := onlyReturn(body)
	if statement == nil || len(statement.Results) != 2 || !isName(statement.Results[1], "nil") {
		return nil, false
	}
	root := statement.Results[0]
	for {
		selector, isSelector := root.(*ast.SelectorExpr)
		if !isSelector {
			break
		}
		root = selector.X
	}
	return statement.Results[0], isName(root, "obj")
}

func onlyReturn(body *ast.BlockStmt) *ast.ReturnStmt {
	if body == nil || len(body.List) != 1 {
		return nil
	}
	statement, _ := body.List[0].(*ast.ReturnStmt)
	return statement
}

func isCallOf(call *ast.CallExpr, name string) bool {
	if call == nil {
		return false
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	return ok && isName(selector.X, "graphql") && selector.Sel.Name == name
}

func isName(expression ast.Expr, name string) bool {
	identifier, ok := expression.(*ast.Ident)
	return ok && identifier.Name == name
}

func lastParameter(function *ast.FuncLit) ast.Expr {
	parameters := function.Type.Params.List
	return parameters[len(parameters)-1].Type
}

func isPointer(expression ast.Expr) bool {
	_, ok := expression.(*ast.StarExpr)
	return ok
}
