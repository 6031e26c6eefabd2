package docsite

import (
	"bytes"
	"html/template"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// article is a page of Markdown, as HTML.
type article struct {
	title    string
	body     template.HTML
	sections []section
}

// section is a heading of the second level, to which a page's own contents lead.
type section struct{ Title, ID string }

// sourceComment names the file that the code below it was cut from.
var sourceComment = regexp.MustCompile(`^<!-- (\S+) -->\s*$`)

// convert makes HTML of the Markdown in a file, whose links lead to the pages as they are
// served. The comments that name where code was cut from become links to those samples, and
// are left out where the file is not served.
func convert(file string, markdown []byte, all []sample) (article, error) {
	converter := goldmark.New(
		goldmark.WithExtensions(extension.Table),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()), // by GitHub's rule, so links lead to the same places
	)
	document := converter.Parser().Parse(text.NewReader(markdown))
	var made article
	var links []*ast.Link
	var comments []ast.Node
	err := ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch node := node.(type) {
		case *ast.Heading:
			made.add(node, markdown)
		case *ast.Link:
			links = append(links, node)
		case *ast.HTMLBlock:
			comments = append(comments, node)
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return article{}, err
	}
	for _, comment := range comments {
		if source := sourceComment.FindSubmatch(comment.Lines().Value(markdown)); source != nil {
			if to, found := addressOf(all, string(source[1])); found {
				comment.Parent().InsertBefore(comment.Parent(), comment, sourceLink(source[1], to))
			}
		}
		comment.Parent().RemoveChild(comment.Parent(), comment)
	}
	for _, link := range links {
		if to, served := served(file, string(link.Destination), all); served {
			link.Destination = []byte(to)
		} else {
			unwrap(link)
		}
	}
	var out bytes.Buffer
	err = converter.Renderer().Render(&out, markdown, document)
	made.body = template.HTML(out.String()) //nolint:gosec // It is of files of this repository, and raw HTML in them is left out.
	return made, err
}

func (a *article) add(heading *ast.Heading, markdown []byte) {
	title := textOf(heading, markdown)
	switch heading.Level {
	case 1:
		a.title = title
	case 2:
		id, _ := heading.AttributeString("id")
		name, _ := id.([]byte)
		a.sections = append(a.sections, section{title, string(name)})
	}
}

// textOf is what a reader sees of a node, without its marks.
func textOf(node ast.Node, markdown []byte) string {
	if piece, isText := node.(*ast.Text); isText {
		return string(piece.Value(markdown))
	}
	var all strings.Builder
	for child := node.FirstChild(); child != nil; child = child.NextSibling() {
		all.WriteString(textOf(child, markdown))
	}
	return all.String()
}

// served gives the address under which the program serves what a link of the file leads to.
// There is none for what stands in the repository alone.
func served(file, destination string, all []sample) (address string, found bool) {
	target, fragment, _ := strings.Cut(destination, "#")
	if target == "" || strings.HasPrefix(target, "/") || strings.Contains(target, "://") {
		return destination, true
	}
	if inRepository := path.Join("docs", path.Dir(file), target); !strings.HasPrefix(inRepository, "docs/") {
		return addressOf(all, inRepository)
	}
	target = path.Join(path.Dir(file), target)
	if target == "coverage.md" {
		return "/docs/rest#graphql", true // the same list, made of the routes
	}
	pages := slices.Concat(guides(), reference())
	at := slices.IndexFunc(pages, func(e entry) bool { return e.file == target })
	if at < 0 {
		return "", false
	}
	address = pages[at].address()
	if fragment != "" {
		address += "#" + fragment
	}
	return address, true
}

// addressOf gives where a file of the repository is served as text; of a folder, the page that
// lists what is in it.
func addressOf(all []sample, inRepository string) (address string, found bool) {
	for _, s := range all {
		switch {
		case s.path == inRepository:
			return s.address(), true
		case strings.HasPrefix(s.path, inRepository+"/"):
			return entry{name: samplesName}.address(), true
		}
	}
	return "", false
}

// sourceLink is a line that leads to the whole file from which code was cut.
func sourceLink(name []byte, to string) ast.Node {
	link := ast.NewLink()
	link.Destination = []byte(to)
	link.AppendChild(link, ast.NewString(name))
	line := ast.NewParagraph()
	line.SetAttributeString("class", []byte("source"))
	line.AppendChild(line, link)
	return line
}

// unwrap leaves of a link what it says.
func unwrap(link *ast.Link) {
	parent := link.Parent()
	for child := link.FirstChild(); child != nil; {
		next := child.NextSibling()
		parent.InsertBefore(parent, link, child)
		child = next
	}
	parent.RemoveChild(parent, link)
}
