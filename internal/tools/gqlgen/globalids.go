package main

import (
	"errors"

	"github.com/99designs/gqlgen/codegen"
)

// globalIDs is a plugin that gives the fields globalId, and the argument of node, the Go type
// of a global id. gqlgen has no setting for it: an argument always takes the first type
// that is bound to its scalar, which for ID is a number. It runs before the resolvers are
// written, whose signatures follow from it.
type globalIDs struct{}

// Name is the plugin's name in gqlgen's messages.
func (globalIDs) Name() string { return "global-ids" }

// GenerateCode changes gqlgen's plan before its templates are executed.
func (globalIDs) GenerateCode(data *codegen.Data) error {
	if data.Schema.Types["Node"] == nil { // as in the schema of tests
		return nil
	}
	bound := data.Config.Models["ID"].Model
	if len(bound) != 2 {
		return errors.New("ID is not bound to a number and to a global id")
	}
	binder := data.Config.NewBinder()
	global, err := binder.FindTypeFromName(bound[1])
	if err != nil {
		return err
	}
	for _, object := range data.Objects {
		for _, field := range object.Fields {
			if field.Name == "globalId" {
				if field.TypeReference, err = binder.TypeReference(field.Type, global); err != nil {
					return err
				}
				data.ReferencedTypes[field.TypeReference.UniquenessKey()] = field.TypeReference
			}
			if object.Root && field.Name == "node" {
				if field.Args[0].TypeReference, err = binder.TypeReference(field.Args[0].Type, global); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
