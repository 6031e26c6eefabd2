// Command gqlgen generates the GraphQL executor, models and resolver stubs from
// gqlgen.yml in the working directory. It differs from gqlgen's own command in
// what the hot path pays for: fields and list elements are resolved in turn
// instead of in a goroutine each; plain fields are marshalled without the frame
// of a resolver; the table of input unmarshallers, rebuilt by reflection for
// every operation and read by nobody here, is gone; and a subscription keeps no
// buffer from one response to the next.
// Nothing of the program imports it.
package main

import (
	"fmt"
	"os"

	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen"
	"github.com/99designs/gqlgen/codegen/config"
)

func main() {
	if err := generate("gqlgen.yml"); err != nil {
		fmt.Fprintln(os.Stderr, "gqlgen:", err)
		os.Exit(1)
	}
}

func generate(configFile string) error {
	cfg, err := config.LoadConfig(configFile)
	if err != nil {
		return err
	}
	bound := boundTypes(cfg)
	if err := api.Generate(cfg, api.AddPlugin(inTurn{})); err != nil {
		return err
	}
	if err := refuseModels(cfg.Model.Filename, bound); err != nil {
		return err
	}
	return streamline(cfg.Exec.Filename)
}

// inTurn is the plugin that makes gqlgen call the resolvers of an object one
// after the other. Subscriptions have no concurrent fields of their own.
type inTurn struct{}

// Name is the plugin's name in gqlgen's messages.
func (inTurn) Name() string { return "inturn" }

// GenerateCode runs before gqlgen's templates.
func (inTurn) GenerateCode(data *codegen.Data) error {
	for _, object := range data.Objects {
		object.DisableConcurrency = true
	}
	return nil
}
