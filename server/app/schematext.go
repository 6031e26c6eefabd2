package app

import (
	"net/http"

	"luxbff/graph"
	"luxbff/server/assets"
)

// schemaText serves the schema as SDL, which code generators of apps download.
func schemaText() http.Handler {
	return assets.Once("application/graphql; charset=utf-8", func() ([]byte, error) { return []byte(graph.SDL()), nil })
}
