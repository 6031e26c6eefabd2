package parity_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"luxbff/graph"
	"luxbff/server/gqlhttp"
)

const (
	// maxVisits is how often one type may stand on one path: twice leads once round
	// every cycle of the schema.
	maxVisits = 2
	// maxPathLength keeps a document within the depth that the program takes: below
	// the last step stand the links of its object.
	maxPathLength = 9
	// maxSelections and maxCost keep a document within the limits of the program.
	maxSelections, maxCost = 500, 5_000
	// pageSize is the size of every page that is asked for.
	pageSize = 3
)

// walker writes documents that reach every type of the schema on every path, and ask
// each object for all its plain fields and for the ids of what it links to. It knows
// nothing but the schema, so a new type or field is walked to as well.
type walker struct {
	schema *ast.Schema
	costs  *gqlhttp.Costs
}

func newWalker() walker {
	schema := graph.Schema(nil).Schema()
	costs, err := gqlhttp.NewCosts(schema)
	if err != nil {
		panic(err) // the program would not start either
	}
	return walker{schema, costs}
}

// step is one field on a path, with its arguments as they are written, and the type
// of its value: one of several where the field has an interface or a union.
type step struct {
	field     *ast.FieldDefinition
	arguments string
	to        *ast.Definition
}

// tree is a selection: that of one object, with what is asked below it.
type tree struct {
	of       *ast.Definition
	branches []*branch
}

type branch struct {
	step
	below *tree
}

// add puts a path into the tree. Where another path went the same way they share it.
func (t *tree) add(path []step) {
	if len(path) == 0 {
		return
	}
	first := path[0]
	for _, b := range t.branches {
		if b.field == first.field && b.arguments == first.arguments && b.to == first.to {
			b.below.add(path[1:])
			return
		}
	}
	b := &branch{step: first, below: &tree{of: first.to}}
	t.branches = append(t.branches, b)
	b.below.add(path[1:])
}

// paths are all from an object of the type that no step makes longer.
func (w walker) paths(from *ast.Definition) (all [][]step) {
	var extend func(path []step, at *ast.Definition, visited map[string]int)
	extend = func(path []step, at *ast.Definition, visited map[string]int) {
		isEnd := true
		for _, next := range w.steps(at) {
			if visited[next.to.Name] == maxVisits || len(path) == maxPathLength {
				continue
			}
			isEnd = false
			visited[next.to.Name]++
			extend(append(slices.Clip(path), next), next.to, visited)
			visited[next.to.Name]--
		}
		if isEnd && len(path) > 0 {
			all = append(all, path)
		}
	}
	extend(nil, from, map[string]int{from.Name: 1})
	return all
}

// steps are the fields of a type that lead to something with an id, or towards it.
// A field with an argument that it needs isn't one of them: see [walker.argumentPaths].
func (w walker) steps(of *ast.Definition) (all []step) {
	for _, field := range of.Fields {
		if strings.HasPrefix(field.Name, "__") || needsArgument(field) {
			continue
		}
		all = append(all, w.stepsBy(field, optionalArguments(field))...)
	}
	return all
}

func (w walker) stepsBy(field *ast.FieldDefinition, arguments string) (all []step) {
	for _, to := range w.objects(field) {
		if w.leadsToIDs(to, nil) {
			all = append(all, step{field, arguments, to})
		}
	}
	return all
}

// objects are the object types that a field may have; none for a scalar.
func (w walker) objects(field *ast.FieldDefinition) []*ast.Definition {
	of := w.schema.Types[field.Type.Name()]
	if !of.IsCompositeType() {
		return nil
	}
	return w.schema.GetPossibleTypes(of)
}

// leadsToIDs reports whether an object of the type has an id, or something below it.
func (w walker) leadsToIDs(of *ast.Definition, above []string) bool {
	if hasID(of) {
		return true
	}
	if slices.Contains(above, of.Name) {
		return false
	}
	return slices.ContainsFunc(of.Fields, func(field *ast.FieldDefinition) bool {
		return !strings.HasPrefix(field.Name, "__") && slices.ContainsFunc(w.objects(field), func(to *ast.Definition) bool {
			return w.leadsToIDs(to, append(above, of.Name))
		})
	})
}

func hasID(of *ast.Definition) bool { return of.Fields.ForName("id") != nil }

func needsArgument(field *ast.FieldDefinition) bool {
	return slices.ContainsFunc(field.Arguments, func(a *ast.ArgumentDefinition) bool {
		return a.Type.NonNull && a.DefaultValue == nil
	})
}

// optionalArguments asks for a short page where the field has pages.
func optionalArguments(field *ast.FieldDefinition) string {
	if field.Arguments.ForName("first") == nil {
		return ""
	}
	return "(first: " + strconv.Itoa(pageSize) + ")"
}

// write writes the selection of a tree. An object below which nothing more is asked
// for is still asked for all its plain fields.
func (w walker) write(t *tree) string {
	var text strings.Builder
	text.WriteString("__typename ")
	for _, field := range t.of.Fields {
		if !strings.HasPrefix(field.Name, "__") && !needsArgument(field) {
			text.WriteString(w.writePlain(field, nil))
		}
	}
	text.WriteString(w.writeBranches(t, false))
	return text.String()
}

// writeBranches writes what is asked below an object. The root fields of a document
// have aliases, because one of them may be asked with several arguments.
func (w walker) writeBranches(t *tree, isRoot bool) string {
	var text strings.Builder
	for i, b := range t.branches {
		if isRoot {
			fmt.Fprintf(&text, "r%d: ", i)
		}
		selection := w.write(b.below)
		if w.schema.Types[b.field.Type.Name()].IsAbstractType() {
			selection = "... on " + b.to.Name + " { " + selection + "}"
		}
		fmt.Fprintf(&text, "%s%s { %s} ", b.field.Name, b.arguments, selection)
	}
	return text.String()
}

// writePlain writes a field with what belongs to its object: of an object with an id
// below it the id alone, of any other all of it.
func (w walker) writePlain(field *ast.FieldDefinition, above []string) string {
	objects := w.objects(field)
	if len(objects) == 0 {
		return field.Name + " "
	}
	if slices.Contains(above, field.Type.Name()) {
		return ""
	}
	var text strings.Builder
	for _, of := range objects {
		selection := "id "
		if !hasID(of) {
			selection = ""
			for _, below := range of.Fields {
				if !strings.HasPrefix(below.Name, "__") && !needsArgument(below) {
					selection += w.writePlain(below, append(above, field.Type.Name()))
				}
			}
		}
		if w.schema.Types[field.Type.Name()].IsAbstractType() {
			selection = "... on " + of.Name + " { " + selection + "} "
		}
		text.WriteString(selection)
	}
	return field.Name + optionalArguments(field) + " { " + text.String() + "} "
}

// documents puts the paths into as few queries as the limits of a document allow.
func (w walker) documents(paths [][]step) (all []string) {
	var together [][]step
	for _, path := range paths {
		if len(together) > 0 && !w.fits(w.query(append(together, path))) {
			all = append(all, w.query(together))
			together = nil
		}
		for !w.fits(w.query([][]step{path})) {
			path = path[:len(path)-1]
		}
		together = append(together, path)
	}
	return append(all, w.query(together))
}

func (w walker) query(paths [][]step) string {
	return "{ " + w.writeBranches(treeOf(w.schema.Query, paths...), true) + "}"
}

func treeOf(of *ast.Definition, paths ...[]step) *tree {
	t := &tree{of: of}
	for _, path := range paths {
		t.add(path)
	}
	return t
}

// wholePayload replaces the selection of an operation, "mutation { name(…) { … } }" or
// that of a subscription, by one that asks for everything below it, as far as the
// limits of one document allow: what a mutation shows can be asked for only once.
func (w walker) wholePayload(root *ast.Definition, operation string) string {
	_, call, _ := strings.Cut(operation, "{ ")
	field := root.Fields.ForName(call[:strings.IndexAny(call, "( {")])
	payload := w.schema.Types[field.Type.Name()]
	end := strings.LastIndex(operation, ") {") + 1
	if end == 0 {
		end = strings.Index(operation, field.Name) + len(field.Name)
	}
	write := func(paths [][]step) string {
		return operation[:end] + " { " + w.write(treeOf(payload, paths...)) + "} }"
	}
	var fitting [][]step
	for _, path := range w.paths(payload) {
		for len(path) > 0 && !w.fits(write(append(fitting, path))) {
			path = path[:len(path)-1]
		}
		fitting = append(fitting, path)
	}
	return write(fitting)
}

// fits reports whether the program takes a document.
func (w walker) fits(document string) bool {
	parsed, errs := gqlparser.LoadQueryWithRules(w.schema, document, rules.NewDefaultRules())
	if len(errs) > 0 {
		panic(fmt.Sprint(document, " is no document: ", errs))
	}
	operation := parsed.Operations[0]
	return countSelections(operation.SelectionSet) <= maxSelections &&
		w.costs.OfOperation(operation, nil) <= maxCost
}

func countSelections(selections ast.SelectionSet) (n int) {
	for _, selection := range selections {
		n++
		switch selected := selection.(type) {
		case *ast.Field:
			n += countSelections(selected.SelectionSet)
		case *ast.InlineFragment:
			n += countSelections(selected.SelectionSet)
		}
	}
	return n
}
