package gqlstream_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/server/gqlstream"
)

// TestForgetCollectedFieldsKeepsAllElse: a field that gqlgen adds to its
// OperationContext must be copied as well.
func TestForgetCollectedFieldsKeepsAllElse(t *testing.T) {
	t.Parallel()
	opCtx := &graphql.OperationContext{Stats: graphql.Stats{OperationStart: time.Now()}}
	value := reflect.ValueOf(opCtx).Elem()
	for i := range value.NumField() {
		if field := value.Field(i); field.CanSet() && field.IsZero() {
			field.Set(filled(t, field.Type()))
		}
	}
	selection := ast.SelectionSet{&ast.Field{Alias: "a", Name: "a"}}
	first := graphql.CollectFields(opCtx, selection, nil)
	x := gqlstream.Execution{Context: graphql.WithOperationContext(context.Background(), opCtx)}
	x.ForgetCollectedFields()
	for i := range value.NumField() {
		field := value.Type().Field(i)
		if field.IsExported() && value.Field(i).IsZero() {
			t.Errorf("%s is lost", field.Name)
		}
	}
	if second := graphql.CollectFields(opCtx, selection, nil); &first[0] == &second[0] {
		t.Error("the collected fields are still known")
	}
}

// filled makes a value that isn't the zero one.
func filled(t *testing.T, of reflect.Type) reflect.Value {
	t.Helper()
	value := reflect.New(of).Elem()
	switch of.Kind() {
	case reflect.String:
		value.SetString("x")
	case reflect.Bool:
		value.SetBool(true)
	case reflect.Map:
		value.Set(reflect.MakeMap(of))
	case reflect.Pointer:
		value.Set(reflect.New(of.Elem()))
	case reflect.Func:
		value.Set(reflect.MakeFunc(of, func([]reflect.Value) []reflect.Value { panic("not called") }))
	default:
		t.Fatalf("make a %s: extend the test", of)
	}
	return value
}
