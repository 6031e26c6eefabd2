// Package assets serves the pages that Vite built into a folder of the program: what they
// load is stored compressed, as NAME.gz, so the program is smaller by what that saves, and
// browsers get it as it is.
package assets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// Folder holds the files of one page.
type Folder struct {
	// Files are those that the program embeds.
	Files fs.FS
	// Path is the folder in Files with what the page loads.
	Path string
}

// ServePage answers with the page itself, a file of [Folder.Files].
func (f Folder) ServePage(w http.ResponseWriter, r *http.Request, name string) {
	page, err := fs.ReadFile(f.Files, name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	serveBody(w, r, page, "no-cache")
}

// ServeAsset answers with a file that the page loads.
func (f Folder) ServeAsset(w http.ResponseWriter, r *http.Request, name string) {
	body, compressed, err := f.read(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", contentType(name))
	if compressed {
		if acceptsGzip(r) {
			w.Header().Set("Content-Encoding", "gzip")
		} else if body, err = decompress(body); err != nil {
			http.NotFound(w, r)
			return
		}
	}
	if hasContentHash(name) {
		serveBody(w, r, body, "public, max-age=31536000, immutable")
		return
	}
	serveBody(w, r, body, "no-cache")
}

// serveBody answers with body, or with 304 where the client has it already. The tag
// is that of the bytes sent, so the compressed and the plain form have different ones.
func serveBody(w http.ResponseWriter, r *http.Request, body []byte, caching string) {
	h := w.Header()
	h.Set("Cache-Control", caching)
	sum := sha256.Sum256(body)
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// read reads a file of the folder, compressed if it is stored so.
func (f Folder) read(name string) (body []byte, compressed bool, err error) {
	if !fs.ValidPath(name) {
		return nil, false, fs.ErrNotExist
	}
	body, err = fs.ReadFile(f.Files, f.Path+"/"+name+".gz")
	if err == nil {
		return body, true, nil
	}
	body, err = fs.ReadFile(f.Files, f.Path+"/"+name)
	return body, false, err
}

// hasContentHash reports whether a name ends in a hash of the content, as in
// index-B67qFNtZ.js. Vite names most files so; the content of such a name never
// changes, and a browser may keep it forever.
func hasContentHash(name string) bool {
	const hashLength = 8
	stem := strings.TrimSuffix(name, path.Ext(name))
	dash := len(stem) - hashLength - 1
	return dash > 0 && stem[dash] == '-'
}

func decompress(compressed []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(reader)
}

// contentType gives the types that a browser insists on without asking the machine's
// MIME tables, which differ from one to another.
func contentType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".ttf":
		return "font/ttf"
	case ".md":
		return "text/plain; charset=utf-8"
	default:
		return mime.TypeByExtension(ext)
	}
}

// acceptsGzip reads Accept-Encoding (RFC 9110, section 12.5.3) as far as gzip is
// concerned. A weight of 0 refuses it.
func acceptsGzip(r *http.Request) bool {
	for _, item := range strings.Split(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, weight, weighted := strings.Cut(item, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
		return !weighted || err == nil && q > 0
	}
	return false
}
