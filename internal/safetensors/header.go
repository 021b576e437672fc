package safetensors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/prioritycut/prioritycut/internal/element"
)

// parseHeader reads the JSON header token by token: a value that the format
// does not define is refused where it begins, before it can nest. Offsets are
// as in the header, counted from its end.
func parseHeader(head []byte) ([]Info, map[string]string, error) {
	if len(head) == 0 || head[0] != '{' || !utf8.Valid(head) {
		return nil, nil, fmt.Errorf("no JSON object in UTF-8; this is no safetensors file")
	}
	p := parser{d: json.NewDecoder(bytes.NewReader(head))}
	p.d.UseNumber()
	var tensors []Info
	var meta map[string]string
	seen := map[string]bool{}
	p.object(func(name string) {
		switch {
		case seen[name]:
			p.fail("%.80q occurs twice", name)
		case name == metadataKey:
			meta = p.metadata()
		case name == "":
			p.fail("a tensor has no name")
		default:
			tensors = append(tensors, p.tensor(name))
		}
		seen[name] = true
	})
	if p.err != nil {
		return nil, nil, p.err
	}
	if _, err := p.d.Token(); err != io.EOF {
		return nil, nil, fmt.Errorf("something follows the JSON object")
	}
	return tensors, meta, nil
}

// parser reads the tokens of a header. The first error sticks and ends every
// loop.
type parser struct {
	d   *json.Decoder
	err error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

func (p *parser) token() json.Token {
	if p.err != nil {
		return nil
	}
	t, err := p.d.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		p.fail("byte %d: %w", p.d.InputOffset(), err)
		return nil
	}
	return t
}

func (p *parser) delim(want rune) {
	if t := p.token(); t != json.Delim(want) {
		p.fail("byte %d: %c expected, not %.40q", p.d.InputOffset(), want, fmt.Sprint(t))
	}
}

// object calls each with every key; each reads the value.
func (p *parser) object(each func(key string)) {
	p.delim('{')
	for p.err == nil && p.d.More() {
		key, _ := p.token().(string) // the decoder allows nothing else here
		if p.err == nil {
			each(key)
		}
	}
	p.delim('}')
}

func (p *parser) text() string {
	t := p.token()
	s, ok := t.(string)
	if !ok {
		p.fail("byte %d: text expected, not %.40q", p.d.InputOffset(), fmt.Sprint(t))
	}
	return s
}

// integers reads at most most non-negative integers.
func (p *parser) integers(most int) []int64 {
	list := []int64{}
	p.delim('[')
	for p.err == nil && p.d.More() {
		t := p.token()
		n, err := strconv.ParseInt(fmt.Sprint(t), 10, 64)
		if _, ok := t.(json.Number); !ok || err != nil || n < 0 {
			p.fail("byte %d: %.40q is no size", p.d.InputOffset(), fmt.Sprint(t))
		}
		if list = append(list, n); len(list) > most {
			p.fail("byte %d: more than %d numbers", p.d.InputOffset(), most)
		}
	}
	p.delim(']')
	return list
}

func (p *parser) metadata() map[string]string {
	meta := map[string]string{}
	p.object(func(key string) {
		if _, twice := meta[key]; twice {
			p.fail("metadata %.80q occurs twice", key)
		}
		meta[key] = p.text()
	})
	return meta
}

func (p *parser) tensor(name string) Info {
	info := Info{Name: name}
	var offsets []int64
	seen := map[string]bool{}
	p.object(func(key string) {
		if seen[key] {
			p.fail("tensor %.80q: %q occurs twice", name, key)
		}
		seen[key] = true
		switch key {
		case "dtype":
			p.dtype(&info)
		case "shape":
			info.Shape = p.integers(MaxDims)
		case "data_offsets":
			offsets = p.integers(2)
		default:
			p.fail("tensor %.80q: unknown key %.40q", name, key)
		}
	})
	if p.err != nil {
		return info
	}
	if len(seen) != 3 || len(offsets) != 2 || offsets[1] < offsets[0] {
		p.fail("tensor %.80q: dtype, shape and two rising data_offsets are needed", name)
		return info
	}
	info.Offset, info.Size = offsets[0], offsets[1]-offsets[0]
	if size, err := bytesOf(info); err != nil {
		p.fail("tensor %.80q: %w", name, err)
	} else if size != info.Size {
		p.fail("tensor %.80q: shape %v of %v takes %d bytes, its data_offsets hold %d", name, info.Shape, typeName(info), size, info.Size)
	}
	return info
}

// foreignBits are the sizes of the format's element types that are not read.
var foreignBits = map[string]int64{
	"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "F8_E8M0": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "C64": 64,
}

// dtype reads an element type.
func (p *parser) dtype(info *Info) {
	name := p.text()
	dtype, err := element.Parse(name)
	if _, foreign := foreignBits[name]; foreign {
		info.Foreign = name
	} else if err != nil {
		p.fail("tensor %.80q: %w", info.Name, err)
	}
	info.DType = dtype
}

func typeName(info Info) string {
	if info.Foreign != "" {
		return info.Foreign
	}
	return info.DType.String()
}

// bytesOf are those that a tensor's shape takes.
func bytesOf(info Info) (int64, error) {
	if info.Foreign == "" {
		return info.DType.Bytes(info.Shape)
	}
	n, err := element.Count(info.Shape)
	if err != nil {
		return 0, err
	}
	bits := foreignBits[info.Foreign]
	if n%8*bits%8 != 0 {
		return 0, fmt.Errorf("shape %v of %s takes no whole number of bytes", info.Shape, info.Foreign)
	}
	return n/8*bits + n%8*bits/8, nil
}
