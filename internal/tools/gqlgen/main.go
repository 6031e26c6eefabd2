// Command gqlgen generates the GraphQL executor, the models and the resolver
// stubs from gqlgen.yml in the working directory. go generate runs it; nothing of
// the program imports it.
//
// It runs gqlgen and then takes out of the executor what the hot paths pay for
// and this program does not use. What each of the changes gains was
// measured on the home screen (`operations/home.graphql`, two children, SQLite,
// two busy cores), by leaving that change alone out. With the first five a
// request took 262 µs of CPU, 35.5 KB and 543 allocations.
//
//   - [sequentialFields]: no goroutine for each resolver. Without it 384 µs, 569
//     allocations.
//   - concurrentSlice in rewrite.go: no goroutine for each list element. Without
//     it 347 µs, 552 allocations, and more with every further element.
//   - [inlinePlainFields]: no resolver's frame around a plain field. Without it
//     289 µs, 41.7 KB, 699 allocations.
//   - unmarshalerMap in rewrite.go: no table of input unmarshallers, which is
//     rebuilt by reflection for every operation. Without it 282 µs, 41.4 KB, 584
//     allocations.
//   - objectFields and deferredGroup in rewrite.go, with [luxbff/graph/encode.Object]: no
//     path, map, iterator and second set of fields for each object. Without them 101 more
//     allocations.
//   - [luxbff/graph/encode]: no buffer for each response, nor one that a subscription
//     keeps while it waits: 0.5 KB once the first event of
//     `operations/subscription.graphql` was sent, of 6 KB that it holds in all. It also
//     stops encoding an answer that is larger than the server sends.
//
// [luxbff/graph/sequence.ResolveFieldStream] costs nothing and gains nothing: it
// corrects how gqlgen reports an error within an event.
//
// [luxbff/graph/typekind] costs nothing and gains nothing either: it corrects what gqlgen's
// introspection says of a type.
//
// Each may go when gqlgen offers it as an option or no longer does the work. To
// see whether one is still worth its lines, take it out, generate, and run
// BenchmarkHomeScreen of test/bench.
package main

import (
	"errors"
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
	if err := api.Generate(cfg, api.PrependPlugin(globalIDs{}), api.AddPlugin(sequentialFields{})); err != nil {
		return err
	}
	if err := checkModels(cfg.Model.Filename, bound); err != nil {
		return err
	}
	return rewriteExecutor(cfg.Exec.Filename)
}

// sequentialFields is a plugin that makes gqlgen call the resolvers of an object
// one after the other. By default each runs in a goroutine of its own, which pays
// where resolvers wait at the same time; ours find what they show already loaded.
//
// The price is that there is no @defer, because gqlgen can only hold back fields that
// are concurrent; [luxbff/graph/prelude.MustLoadSchema] takes it out of the schema. An
// object whose resolvers wait for something slow should be left out here.
type sequentialFields struct{}

// Name is the plugin's name in gqlgen's messages.
func (sequentialFields) Name() string { return "sequential-fields" }

// GenerateCode changes gqlgen's plan before its templates are executed.
func (sequentialFields) GenerateCode(data *codegen.Data) error {
	// An object of two interfaces may have one field collected twice, once through each, of
	// which [encode.Object] would write both.
	if len(data.Interfaces) > 1 {
		return errors.New("the schema has more than one interface or union, which encode.Object does not expect")
	}
	for _, object := range data.Objects {
		object.DisableConcurrency = true
	}
	return nil
}
