package gqlhttp

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The codes of documents that ask for one thing too often.
const (
	codeTooManyAliases        = "TOO_MANY_ALIASES"
	codeTooManyRepeatedFields = "TOO_MANY_REPEATED_FIELDS"
	codeTooManyRootFields     = "TOO_MANY_ROOT_FIELDS"
)

// repetitionLimits are how often one operation may ask for the same: what a field costs is
// bounded by complexity, but many names for one field are no query of an app, and few
// bytes of them make an answer of many.
type repetitionLimits struct{ maxAliases, maxRootFields, maxRepeated int }

// check refuses an operation of the document that repeats itself. A fragment counts in
// each of its spreads.
func (l repetitionLimits) check(document *ast.QueryDocument) *gqlerror.Error {
	return l.checkCounted(document, newRepetitions(document))
}

// checkWritten is check for what stands outside fragments alone. It takes linear time, so
// it comes before the document is measured: an operation of many aliases is refused for
// these, whatever its size.
func (l repetitionLimits) checkWritten(document *ast.QueryDocument) *gqlerror.Error {
	return l.checkCounted(document, newRepetitions(&ast.QueryDocument{}))
}

func (l repetitionLimits) checkCounted(document *ast.QueryDocument, counted *repetitions) *gqlerror.Error {
	for _, operation := range document.Operations {
		found := counted.ofSelections(operation.SelectionSet)
		var refused *gqlerror.Error
		switch {
		case largest(found.aliases) > l.maxAliases:
			refused = overLimit(codeTooManyAliases, largest(found.aliases), l.maxAliases,
				"The operation has %d aliases of one field, which exceeds the limit of %d.")
		case found.repeated > l.maxRepeated:
			refused = overLimit(codeTooManyRepeatedFields, found.repeated, l.maxRepeated,
				"The operation repeats a field %d times, which exceeds the limit of %d.")
		case total(found.fields) > l.maxRootFields:
			refused = overLimit(codeTooManyRootFields, total(found.fields), l.maxRootFields,
				"The operation has %d root fields, which exceeds the limit of %d.")
		default:
			continue
		}
		refused.Locations = []gqlerror.Location{{Line: operation.Position.Line, Column: operation.Position.Column}}
		return refused
	}
	return nil
}

// repetition is what one selection set asks for.
type repetition struct {
	// fields counts the fields of the set itself by the name under which they are answered.
	fields map[string]int
	// aliases counts the aliases of each field, by its name, in the set and below it.
	aliases map[string]int
	// repeated is how often the field stands that is repeated most, in the set or in one
	// below it.
	repeated int
}

// repetitions counts each fragment of a document once, as [depths] does and for the same
// reason.
type repetitions struct {
	fragments map[string]*ast.FragmentDefinition
	known     map[string]repetition
}

func newRepetitions(document *ast.QueryDocument) *repetitions {
	r := &repetitions{fragments: map[string]*ast.FragmentDefinition{}, known: map[string]repetition{}}
	for _, fragment := range document.Fragments {
		r.fragments[fragment.Name] = fragment
	}
	return r
}

func (r *repetitions) ofSelections(selections ast.SelectionSet) repetition {
	found := repetition{fields: map[string]int{}, aliases: map[string]int{}}
	r.add(selections, &found)
	return found
}

// add counts a whole selection set. The sets below it count into the same map of aliases:
// a map for each would have to be added to the one above, at each level anew.
func (r *repetitions) add(selections ast.SelectionSet, to *repetition) {
	r.addPart(selections, to)
	to.repeated = max(to.repeated, largest(to.fields))
}

// addPart counts selections that are a part of a set, as those of an inline fragment are.
func (r *repetitions) addPart(selections ast.SelectionSet, to *repetition) {
	for _, selection := range selections {
		switch selected := selection.(type) {
		case *ast.Field:
			to.fields[selected.Alias] = addCapped(to.fields[selected.Alias], 1)
			if selected.Alias != selected.Name {
				to.aliases[selected.Name] = addCapped(to.aliases[selected.Name], 1)
			}
			if len(selected.SelectionSet) > 0 {
				below := repetition{fields: map[string]int{}, aliases: to.aliases}
				r.add(selected.SelectionSet, &below)
				to.repeated = max(to.repeated, below.repeated)
			}
		case *ast.InlineFragment:
			r.addPart(selected.SelectionSet, to)
		case *ast.FragmentSpread:
			to.merge(r.ofFragment(selected.Name))
		}
	}
}

// ofFragment counts a fragment that does not exist, or that spreads itself, as nothing,
// because validation refuses both.
func (r *repetitions) ofFragment(name string) repetition {
	if found, known := r.known[name]; known {
		return found
	}
	fragment, exists := r.fragments[name]
	if !exists {
		return repetition{}
	}
	r.known[name] = repetition{}
	r.known[name] = r.ofSelections(fragment.SelectionSet)
	return r.known[name]
}

// merge adds what a fragment that is spread asks for.
func (r *repetition) merge(spread repetition) {
	for name, count := range spread.fields {
		r.fields[name] = addCapped(r.fields[name], count)
	}
	for name, count := range spread.aliases {
		r.aliases[name] = addCapped(r.aliases[name], count)
	}
	r.repeated = max(r.repeated, spread.repeated)
}

func largest(counts map[string]int) (most int) {
	for _, count := range counts {
		most = max(most, count)
	}
	return most
}

func total(counts map[string]int) (sum int) {
	for _, count := range counts {
		sum = addCapped(sum, count)
	}
	return sum
}
