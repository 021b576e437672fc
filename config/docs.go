package config

import (
	_ "embed" // the sources of the structs document the keys
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/internal/wrap"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/model/monkeynet"
	"github.com/prioritycut/prioritycut/model/x2face"
	"github.com/prioritycut/prioritycut/prioritycut"
)

//go:embed config.go
var configSource string

//go:embed train.go
var trainSource string

//go:embed families.go
var familiesSource string

// KeyDoc documents one key.
type KeyDoc struct {
	Key     string // dotted path
	Type    string // text, whole number, number, true or false, list of ...
	Default string // of the preset asked for, as YAML on one line
	Doc     string // reason, legal values, units; one paragraph
	Section bool   // holds other keys: Type and Default are empty
}

// Keys lists the dotted paths of all keys and sections.
func Keys() []string { return append([]string(nil), paths()...) }

// Docs documents every key, sections before what they hold, with the defaults
// of a preset.
func Docs(preset string) ([]KeyDoc, error) {
	var bases []*Config
	for _, family := range []model.FamilyName{model.FOMMFamily, model.MonkeyNetFamily, model.X2FaceFamily} {
		c, _, err := base(preset, family, false)
		if err != nil {
			return nil, err
		}
		bases = append(bases, c)
	}
	comments, err := keyComments()
	if err != nil {
		return nil, err
	}
	docs := make([]KeyDoc, 0, len(paths()))
	for _, p := range paths() {
		doc := KeyDoc{Key: p, Doc: comments[p]}
		for _, c := range bases { // the first that has the key
			if v, ok := value(c, p); ok {
				if doc.Section = v.Kind() == reflect.Struct; !doc.Section {
					doc.Type, doc.Default = typeName(v.Type()), oneLine(v)
				}
				break
			}
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// WriteHelp prints every key with its default in a preset and its
// documentation, behind a title.
func WriteHelp(w io.Writer, title, preset string) error {
	docs, err := Docs(preset)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "%s, with the defaults of preset %s.\n", title, preset); err != nil {
		return err
	}
	for _, d := range docs {
		head := fmt.Sprintf("%s: %s  (%s)", d.Key, d.Default, d.Type)
		if d.Section {
			head = d.Key + ":"
		}
		if _, err := fmt.Fprintf(w, "\n%s\n%s\n", head, indent(d.Doc, "    ", 76)); err != nil {
			return err
		}
	}
	return nil
}

// indent wraps a paragraph.
func indent(text, prefix string, width int) string {
	return prefix + strings.Join(wrap.Lines(text, width), "\n"+prefix)
}

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Slice:
		return "list of " + typeName(t.Elem()) + "s"
	case reflect.Array:
		return fmt.Sprintf("list of %d %ss", t.Len(), typeName(t.Elem()))
	case reflect.Struct:
		return "record"
	}
	return "whole number"
}

// keyComments maps dotted paths to the comments of their struct fields.
var keyComments = sync.OnceValues(func() (map[string]string, error) {
	fields := map[string]string{} // package.Struct.Field -> comment
	for _, source := range []struct{ pkg, text string }{
		{"config", configSource}, {"config", trainSource}, {"config", familiesSource}, {"fomm", fomm.ParamsSource},
		{"monkeynet", monkeynet.ParamsSource}, {"x2face", x2face.ParamsSource},
		{"prioritycut", prioritycut.ParamsSource}, {"dataset", dataset.ParamsSource},
	} {
		if err := readComments(source.pkg, source.text, fields); err != nil {
			return nil, fmt.Errorf("documentation of keys: %w", err)
		}
	}
	found := map[string]string{}
	var walk func(t reflect.Type, prefix string)
	walk = func(t reflect.Type, prefix string) {
		for _, f := range fieldsOf(t) {
			text := fields[path.Base(f.owner.PkgPath())+"."+f.owner.Name()+"."+f.goName]
			if text == "" && f.section() { // a section may be told about at its type
				text = fields[path.Base(f.typ.PkgPath())+"."+f.typ.Name()]
			}
			if text = inYAML(text, f); text == "" {
				text = seeSection(prefix)
			}
			found[prefix+f.name] = text
			if f.section() {
				walk(f.typ, prefix+f.name+".")
			}
		}
	}
	walk(reflect.TypeOf(Config{}), "")
	return found, nil
})

// seeSection documents a key that its section's comment tells about.
func seeSection(prefix string) string { return "See " + strings.TrimSuffix(prefix, ".") + "." }

// readComments collects the comments of all structs of a source and their
// fields. A field without one shares that of the field above it.
func readComments(pkg, source string, into map[string]string) error {
	file, err := parser.ParseFile(token.NewFileSet(), pkg+".go", source, parser.ParseComments)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		decl, ok := n.(*ast.GenDecl)
		if !ok {
			return true
		}
		for _, spec := range decl.Specs {
			t, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			structure, ok := t.Type.(*ast.StructType)
			if !ok {
				continue
			}
			into[pkg+"."+t.Name.Name] = paragraph(decl.Doc, t.Doc)
			above := ""
			for _, f := range structure.Fields.List {
				text := paragraph(f.Doc, f.Comment)
				if text == "" {
					text = above
				}
				above = text
				for _, name := range f.Names {
					into[pkg+"."+t.Name.Name+"."+name.Name] = text
				}
			}
		}
		return true
	})
	return nil
}

// paragraph joins the lines of the first comment that there is.
func paragraph(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if g != nil {
			return strings.Join(strings.Fields(g.Text()), " ")
		}
	}
	return ""
}

var (
	word     = regexp.MustCompile(`\b[A-Z][A-Za-z0-9]+\b`)
	yamlHint = regexp.MustCompile(` ?\(YAML:[^)]*\)`)
)

// inYAML writes Go's names of fields in the comment of f as the keys that users
// type.
func inYAML(text string, f field) string {
	text = yamlHint.ReplaceAllString(text, "")
	first, rest, _ := strings.Cut(text, " ")
	bare := strings.TrimRight(first, ",:")
	if bare == f.goName || (f.section() && bare == f.typ.Name()) {
		text = f.name + first[len(bare):] + " " + rest
	}
	names := goNames()
	return word.ReplaceAllStringFunc(text, func(w string) string {
		if key, ok := names[w]; ok {
			return key
		}
		return w
	})
}

// goNames maps Go's field names to keys. Plain words (Seed, Format) are left to
// English, and so are sections (PriorityCut).
var goNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		for _, f := range fieldsOf(t) {
			if !f.section() && strings.ToLower(f.goName[1:]) != f.goName[1:] {
				names[f.goName] = f.name
			}
			if f.section() {
				walk(f.typ)
			}
			if f.typ.Kind() == reflect.Slice && f.typ.Elem().Kind() == reflect.Struct {
				walk(f.typ.Elem())
			}
		}
	}
	walk(reflect.TypeOf(Config{}))
	return names
})
