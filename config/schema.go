package config

import (
	"reflect"
	"strings"
	"sync"
)

// field is one key of a section, found in a struct (or in one inlined in it).
type field struct {
	name   string       // the YAML key
	index  []int        // for reflect.Value.FieldByIndex
	typ    reflect.Type // pointers removed
	owner  reflect.Type // the struct that declares it
	goName string
}

// section reports whether the key holds keys of its own.
func (f field) section() bool { return f.typ.Kind() == reflect.Struct }

var fieldCache sync.Map // reflect.Type -> []field

// fieldsOf lists the keys of a struct type in the order of declaration.
func fieldsOf(t reflect.Type) []field {
	if known, ok := fieldCache.Load(t); ok {
		return known.([]field)
	}
	var fields []field
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case !f.IsExported() || name == "-":
		case options == "inline":
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				fields = append(fields, inner)
			}
		case name != "":
			fields = append(fields, field{
				name: name, index: []int{i}, typ: elem(f.Type), owner: t, goName: f.Name,
			})
		}
	}
	fieldCache.Store(t, fields)
	return fields
}

func elem(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// leaf is a key that holds a value: a scalar or a list.
type leaf struct {
	field
	path string // dotted, from the root
}

// leaves lists every key that holds a value, in the order of declaration.
var leaves = sync.OnceValue(func() []leaf {
	var all []leaf
	var walk func(t reflect.Type, prefix string)
	walk = func(t reflect.Type, prefix string) {
		for _, f := range fieldsOf(t) {
			if f.section() {
				walk(f.typ, prefix+f.name+".")
				continue
			}
			all = append(all, leaf{field: f, path: prefix + f.name})
		}
	}
	walk(reflect.TypeOf(Config{}), "")
	return all
})

// paths lists every key, sections included.
var paths = sync.OnceValue(func() []string {
	var all []string
	var walk func(t reflect.Type, prefix string)
	walk = func(t reflect.Type, prefix string) {
		for _, f := range fieldsOf(t) {
			all = append(all, prefix+f.name)
			if f.section() {
				walk(f.typ, prefix+f.name+".")
			}
		}
	}
	walk(reflect.TypeOf(Config{}), "")
	return all
})

// value returns the value of a leaf in c, and whether it is there: keys of a
// section that is switched off (a nil pointer) are not.
func value(c *Config, path string) (reflect.Value, bool) {
	v := reflect.ValueOf(c).Elem()
	for _, name := range strings.Split(path, ".") {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return reflect.Value{}, false
			}
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return reflect.Value{}, false
		}
		f, ok := lookup(v.Type(), name)
		if !ok {
			return reflect.Value{}, false
		}
		v = v.FieldByIndex(f.index)
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return reflect.Value{}, false
		}
		v = v.Elem()
	}
	return v, true
}

func lookup(t reflect.Type, name string) (field, bool) {
	for _, f := range fieldsOf(t) {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}
