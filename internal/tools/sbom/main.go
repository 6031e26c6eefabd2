// Command sbom writes the software bill of materials of a built program to its output,
// as CycloneDX 1.6 in JSON: the Go modules that the linker put into the program, Go's
// own library, and the npm packages in the bundles of the pages that it serves.
//
//	go run ./internal/tools/sbom PROGRAM PACKAGE-LOCK.JSON...
//
// The same program gives the same bytes: the document carries no time and no random
// serial number, so that two releases can be compared line by line.
package main

import (
	"cmp"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: sbom PROGRAM PACKAGE-LOCK.JSON...")
		os.Exit(2)
	}
	if err := write(os.Stdout, os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

// document is a bill of materials, as far as it is used here:
// https://cyclonedx.org/docs/1.6/json/
type document struct {
	Schema      string      `json:"$schema"`
	BOMFormat   string      `json:"bomFormat"`
	SpecVersion string      `json:"specVersion"`
	Version     int         `json:"version"`
	Metadata    metadata    `json:"metadata"`
	Components  []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

// component is a part of the program. Its reference within the document is its package
// URL, which names it alone.
type component struct {
	Type       string     `json:"type"`
	BOMRef     string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	PURL       string     `json:"purl"`
	Hashes     []hash     `json:"hashes,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func write(to io.Writer, program string, locks []string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	all := goModules(info)
	for _, lock := range locks {
		text, err := os.ReadFile(lock)
		if err != nil {
			return err
		}
		packages, err := npmPackages(text)
		if err != nil {
			return fmt.Errorf("%s: %w", lock, err)
		}
		all = append(all, packages...)
	}
	slices.SortFunc(all, func(a, b component) int { return cmp.Compare(a.BOMRef, b.BOMRef) })
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(document{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", BOMFormat: "CycloneDX", SpecVersion: "1.6", Version: 1,
		Metadata: metadata{goComponent("application", info.Main.Path, info.Main.Version, "")}, Components: slices.CompactFunc(all, func(a, b component) bool { return a.BOMRef == b.BOMRef }),
	})
}

// goModules are the modules in the program, as they were built: a replaced one is the one
// that took its place. Go's own library is one of them, because it has weaknesses too.
func goModules(info *debug.BuildInfo) []component {
	all := []component{goComponent("library", "std", strings.TrimPrefix(strings.Fields(info.GoVersion)[0], "go"), "")}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		all = append(all, goComponent("library", module.Path, module.Version, module.Sum))
	}
	return all
}

func goComponent(kind, path, version, sum string) component {
	c := newComponent(kind, "golang", path, version)
	if sum != "" {
		c.Properties = []property{{"go:sum", sum}}
	}
	return c
}

func newComponent(kind, ecosystem, name, version string) component {
	c := component{Type: kind, Name: name, Version: version, PURL: "pkg:" + ecosystem + "/" + escapePath(name)}
	if version != "" {
		c.PURL += "@" + strings.ReplaceAll(url.PathEscape(version), "+", "%2B")
	}
	c.BOMRef = c.PURL
	return c
}

// escapePath writes a name as a package URL has it: the @ of an npm scope is escaped,
// because it begins the version.
func escapePath(name string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = strings.ReplaceAll(url.PathEscape(parts[i]), "@", "%40")
	}
	return strings.Join(parts, "/")
}

// npmPackages are the packages of a package-lock.json that go into a bundle, which are
// all but those for development.
func npmPackages(lock []byte) ([]component, error) {
	var file struct {
		LockfileVersion int
		Packages        map[string]struct {
			Version, Integrity string
			Dev                bool
		}
	}
	if err := json.Unmarshal(lock, &file); err != nil {
		return nil, err
	}
	if file.LockfileVersion != 3 {
		return nil, fmt.Errorf("version %d of the file is unknown", file.LockfileVersion)
	}
	var all []component
	for path, p := range file.Packages {
		at := strings.LastIndex(path, "node_modules/")
		if at < 0 || p.Dev {
			continue
		}
		c := newComponent("library", "npm", path[at+len("node_modules/"):], p.Version)
		if digest, isSHA512 := strings.CutPrefix(p.Integrity, "sha512-"); isSHA512 {
			raw, err := base64.StdEncoding.DecodeString(digest)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			c.Hashes = []hash{{"SHA-512", hex.EncodeToString(raw)}}
		}
		all = append(all, c)
	}
	return all, nil
}
