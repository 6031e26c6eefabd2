// Package manifest reads the documents that apps are built with: the persisted query
// manifests of Apollo's clients, the maps of Relay and GraphQL Code Generator, and files of
// GraphQL. It checks what can be checked without a schema; package gqlhttp does the rest.
package manifest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// MaxDocuments is how many documents there may be in all, each counted once. An app of
	// a hundred screens has some hundreds a version.
	MaxDocuments = 5_000
	// MaxBytes is how much text they may have in all. Its parsed form, which stays in
	// memory, takes up to 40 times as much: 7.8 MB of text that is nearly all short fields
	// took 285 MiB. While the documents are read again both sets are there.
	MaxBytes = 4 << 20
	// maxFileBytes leaves room for what JSON adds to the texts, and for documents that
	// stand in several manifests.
	maxFileBytes = 2 * MaxBytes
)

const (
	apolloFormat  = "apollo-persisted-query-manifest"
	apolloVersion = 1
	hashPrefix    = "sha256:"
)

// Document is one text that requests may name.
type Document struct {
	// Hash is the SHA-256 of the text in hex, by which every document is known.
	Hash string
	Text string
	// File is the first that holds it.
	File string
	// Names are the ids that manifests give it beside its hash.
	Names []string
}

// ID is how messages for people name the document.
func (d Document) ID() string {
	if len(d.Names) > 0 {
		return d.Names[0]
	}
	return d.Hash
}

// Read reads all documents of the files and folders. A folder is read with the folders in
// it: its .json files as manifests, and its .graphql and .gql files as documents, but for
// those whose name begins with a dot. A text that stands in several manifests, as those of
// several versions of an app, is one document. A manifest that is wrong in any way is an
// error that names it, and so is a file or folder without a document.
func Read(paths []string) ([]Document, error) {
	r := reader{byHash: map[string]int{}, owners: map[string]owner{}}
	for _, at := range paths {
		before := r.added
		if err := r.read(at); err != nil {
			return nil, err
		}
		if r.added == before {
			return nil, fmt.Errorf("%s: it holds no document", at)
		}
	}
	return r.documents, nil
}

// reader collects documents.
type reader struct {
	documents []Document
	byHash    map[string]int   // index of the document
	owners    map[string]owner // by name
	bytes     int
	added     int // documents that were read, each time
}

// owner is what a name stands for.
type owner struct{ hash, file string }

func (r *reader) read(at string) error {
	info, err := os.Stat(at)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return r.readFile(at)
	}
	// The folder itself may be a link, and so may its files: that is how Kubernetes mounts
	// what it can replace.
	return fs.WalkDir(os.DirFS(at), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", at, err)
		case name != "." && strings.HasPrefix(entry.Name(), ".") && entry.IsDir():
			return fs.SkipDir
		case entry.IsDir() || strings.HasPrefix(entry.Name(), ".") || !slices.Contains([]string{".json", ".graphql", ".gql"}, path.Ext(name)):
			return nil
		}
		return r.readFile(filepath.Join(at, filepath.FromSlash(name)))
	})
}

func (r *reader) readFile(file string) error {
	// A pipe would keep its reader waiting.
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return cmp.Or(err, fmt.Errorf("%s: it is no regular file", file))
	}
	opened, err := os.Open(file) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	content, err := io.ReadAll(io.LimitReader(opened, maxFileBytes+1))
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", file, err)
	case len(content) > maxFileBytes:
		return fmt.Errorf("%s: it has more than %d bytes", file, maxFileBytes)
	case !utf8.Valid(content):
		return fmt.Errorf("%s: it is not UTF-8", file)
	}
	if extension := filepath.Ext(file); extension == ".graphql" || extension == ".gql" {
		return r.add(file, "", string(content))
	}
	return r.addManifest(file, content)
}

// addManifest tells the two forms of manifests apart by the member format, which no map has:
// it would be the id of a document.
func (r *reader) addManifest(file string, content []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(content, &members); err != nil {
		return fmt.Errorf("%s: it is no JSON object: %w", file, err)
	}
	if _, named := members["format"]; named {
		return r.addApollo(file, content)
	}
	for _, id := range slices.Sorted(maps.Keys(members)) {
		var text string
		if id == "" || json.Unmarshal(members[id], &text) != nil {
			return fmt.Errorf("%s: a map has ids, and a text for each: %q has none", file, id)
		}
		if err := r.add(file, id, text); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) addApollo(file string, content []byte) error {
	var manifest struct {
		Format     string
		Version    int
		Operations []struct{ ID, Body string }
	}
	if err := json.Unmarshal(content, &manifest); err != nil {
		return fmt.Errorf("%s: it is no manifest of operations: %w", file, err)
	}
	if manifest.Format != apolloFormat || manifest.Version != apolloVersion {
		return fmt.Errorf("%s: its format is %q version %d: only %s version %d is known",
			file, manifest.Format, manifest.Version, apolloFormat, apolloVersion)
	}
	for i, operation := range manifest.Operations {
		if operation.ID == "" {
			return fmt.Errorf("%s: operation %d has no id", file, i+1)
		}
		if err := r.add(file, operation.ID, operation.Body); err != nil {
			return err
		}
	}
	return nil
}

// add keeps a document under its hash, and under the id unless that is the hash.
func (r *reader) add(file, id, text string) error {
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("%s: the document %q is empty", file, id)
	}
	sum := sha256.Sum256([]byte(text))
	hash := hex.EncodeToString(sum[:])
	if claimed, isHash := claimedHash(id); isHash && claimed != hash {
		return fmt.Errorf("%s: the id %q is not the SHA-256 of its document, which is %s", file, id, hash)
	} else if isHash {
		id = ""
	}
	r.added++
	at, known := r.byHash[hash]
	if !known {
		r.bytes += len(text)
		if len(r.documents) == MaxDocuments || r.bytes > MaxBytes {
			return fmt.Errorf("%s: with it there are more than %d documents or %d bytes of them", file, MaxDocuments, MaxBytes)
		}
		at = len(r.documents)
		r.byHash[hash] = at
		r.documents = append(r.documents, Document{Hash: hash, Text: text, File: file})
	}
	if id == "" {
		return nil
	}
	switch before, taken := r.owners[id]; {
	case taken && before.hash != hash:
		return fmt.Errorf("%s: the id %q is that of another document in %s", file, id, before.file)
	case !taken:
		r.owners[id] = owner{hash, file}
		r.documents[at].Names = append(r.documents[at].Names, id)
	}
	return nil
}

// claimedHash reports whether an id says that it is the SHA-256 of its document: by the
// prefix of GraphQL over HTTP, or by being 64 digits of hex. Others are names: the MD5 that
// Relay's compiler gives by default, the SHA-1 of GraphQL Code Generator, or an app's own.
func claimedHash(id string) (hash string, isHash bool) {
	hash, prefixed := strings.CutPrefix(id, hashPrefix)
	_, err := hex.DecodeString(hash)
	if !prefixed && (err != nil || len(hash) != hex.EncodedLen(sha256.Size)) {
		return "", false
	}
	return strings.ToLower(hash), true
}
