package gqlhttp

import "github.com/vektah/gqlparser/v2/ast"

// inputArgument is the one argument of every mutation.
const inputArgument = "input"

// inputPath gives the path into a mutation's input for the path into a variable, which
// begins with the variable's name. Clients choose the names of their variables, and put
// them anywhere into the input; the errors of the domain know the input alone. The path
// of a variable that stands elsewhere is given back as it is.
func inputPath(operation *ast.OperationDefinition, path ast.Path) ast.Path {
	name, _ := path[0].(ast.PathName)
	if place, found := placeInInputs(string(name), operation.SelectionSet, map[string]bool{}); found {
		return append(place, path[1:]...)
	}
	return path
}

// placeInInputs finds where in the inputs of mutations the variable is first used. The
// mutations may stand in fragments. Each fragment is visited once: thirty, of which each
// spreads the next twice, would take minutes otherwise.
func placeInInputs(variable string, selections ast.SelectionSet, visited map[string]bool) (place ast.Path, found bool) {
	for _, selection := range selections {
		switch selected := selection.(type) {
		case *ast.Field:
			if argument := selected.Arguments.ForName(inputArgument); argument != nil {
				place, found = placeOf(variable, argument.Value, ast.Path{ast.PathName(inputArgument)})
			}
		case *ast.InlineFragment:
			place, found = placeInInputs(variable, selected.SelectionSet, visited)
		case *ast.FragmentSpread:
			if !visited[selected.Name] {
				visited[selected.Name] = true
				place, found = placeInInputs(variable, selected.Definition.SelectionSet, visited)
			}
		}
		if found {
			return place, true
		}
	}
	return nil, false
}

// placeOf finds where in a value, which stands at a path, the variable is first used.
func placeOf(variable string, value *ast.Value, at ast.Path) (place ast.Path, found bool) {
	if value.Kind == ast.Variable {
		return at, value.Raw == variable
	}
	for i, child := range value.Children {
		var element ast.PathElement = ast.PathName(child.Name)
		if value.Kind == ast.ListValue {
			element = ast.PathIndex(i)
		}
		if place, found := placeOf(variable, child.Value, append(at[:len(at):len(at)], element)); found {
			return place, true
		}
	}
	return nil, false
}
