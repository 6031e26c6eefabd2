package graphiql

import (
	"embed"
	"net/http"

	"luxbff/server/assets"
)

// dist is what `make graphiql` builds from web/: index.html, and in graphiql/ the
// files that it loads.
//
//go:embed dist
var dist embed.FS

func folder() assets.Folder { return assets.Folder{Files: dist, Path: "dist/graphiql"} }

func servePage(w http.ResponseWriter, r *http.Request) { folder().ServePage(w, r, "dist/index.html") }

func serveAsset(w http.ResponseWriter, r *http.Request) {
	folder().ServeAsset(w, r, r.PathValue("name"))
}
