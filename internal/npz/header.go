package npz

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"

	"github.com/prioritycut/prioritycut/internal/element"
)

const magic = "\x93NUMPY"

// header is what an .npy header says.
type header struct {
	dtype     DType
	foreign   string // an element type that is not read, in place of dtype
	bigEndian bool
	fortran   bool
	shape     []int64
	bytes     int64 // of the data that follows; -1 where the type does not tell
}

// readHeader reads up to the first byte of the data and returns the bytes
// consumed.
func readHeader(r io.Reader) (header, int64, error) {
	var start [12]byte
	if _, err := io.ReadFull(r, start[:10]); err != nil {
		return header{}, 0, fmt.Errorf("reading the .npy header: %w", err)
	}
	if string(start[:6]) != magic {
		return header{}, 0, fmt.Errorf("no .npy array: the magic bytes are missing")
	}
	length, used := int64(binary.LittleEndian.Uint16(start[8:])), int64(10)
	switch major := start[6]; major {
	case 1:
	case 2, 3:
		if _, err := io.ReadFull(r, start[10:]); err != nil {
			return header{}, 0, fmt.Errorf("reading the .npy header: %w", err)
		}
		length, used = int64(binary.LittleEndian.Uint32(start[8:])), 12
	default:
		return header{}, 0, fmt.Errorf(".npy format version %d is not known", major)
	}
	if length > MaxHeader {
		return header{}, 0, fmt.Errorf("the .npy header claims %d bytes, more than %d", length, MaxHeader)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return header{}, 0, fmt.Errorf("reading the .npy header: %w", err)
	}
	h, err := parseHeader(text)
	if err != nil {
		return header{}, 0, fmt.Errorf(".npy header %.120q: %w", text, err)
	}
	return h, used + length, nil
}

// parseHeader reads the Python dictionary
// {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }.
func parseHeader(text []byte) (header, error) {
	var h header
	p := parser{text: text}
	seen := map[string]bool{}
	p.expect('{')
	for p.err == nil && !p.accept('}') {
		key := p.quoted()
		p.expect(':')
		if seen[key] {
			return h, fmt.Errorf("key %q twice", key)
		}
		seen[key] = true
		switch key {
		case "descr":
			p.fail(h.setType(p.quoted()))
		case "fortran_order":
			h.fortran = p.boolean()
		case "shape":
			h.shape = p.tuple()
		default:
			p.fail(fmt.Errorf("unknown key %.40q", key))
		}
		if !p.accept(',') {
			p.expect('}')
			break
		}
	}
	if p.err != nil {
		return h, p.err
	}
	if p.space(); p.at != len(text) {
		return h, fmt.Errorf("something follows the dictionary")
	}
	if len(seen) != 3 {
		return h, fmt.Errorf("descr, fortran_order and shape are needed")
	}
	var err error
	if h.foreign != "" {
		h.bytes, err = foreignBytes(h.foreign, h.shape)
	} else {
		h.bytes, err = h.dtype.Bytes(h.shape)
	}
	return h, err
}

var typeOfDescr = map[string]DType{
	"b1": element.Bool, "u1": element.U8, "i1": element.I8,
	"u2": element.U16, "i2": element.I16, "f2": element.F16,
	"u4": element.U32, "i4": element.I32, "f4": element.F32,
	"u8": element.U64, "i8": element.I64, "f8": element.F64,
}

// foreignDescr are the types of numpy that are not read: a byte order, a
// letter and, but for objects, the bytes of an element (letters of text take
// four), for times a unit.
var foreignDescr = regexp.MustCompile(`^[<>|=]?([bBiufcVSUmMOt])([0-9]{0,6})(\[[0-9A-Za-z/]{1,12}\])?$`)

func (h *header) setType(descr string) error {
	if descr == "" || !foreignDescr.MatchString(descr) {
		return fmt.Errorf("element type %.40q is not supported", descr)
	}
	t, ok := typeOfDescr[descr[1:]]
	// '=' would mean the byte order of a machine that is not known, '|' that
	// there is none.
	if !ok || !bytes.ContainsRune([]byte("<>|"), rune(descr[0])) || descr[0] == '|' && t.Size() > 1 {
		h.foreign = descr
		return nil
	}
	h.dtype, h.bigEndian = t, descr[0] == '>'
	return nil
}

// foreignBytes is what an array of a type that is not read takes in a file, -1
// where its type does not say.
func foreignBytes(descr string, shape []int64) (int64, error) {
	n, err := element.Count(shape)
	if err != nil {
		return 0, err
	}
	parts := foreignDescr.FindStringSubmatch(descr)
	size, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || parts[1] == "O" { // pickled
		return -1, nil
	}
	if parts[1] == "U" {
		size *= 4
	}
	if size > 0 && n > math.MaxInt64/size {
		return 0, fmt.Errorf("shape %v has too many elements", shape)
	}
	return n * size, nil
}

// typeName is the element type for messages.
func (h *header) typeName() string {
	if h.foreign != "" {
		return h.foreign
	}
	return h.dtype.String()
}

// parser reads the few forms of a Python literal that headers consist of. The
// first error sticks.
type parser struct {
	text []byte
	at   int
	err  error
}

func (p *parser) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *parser) space() {
	for p.at < len(p.text) && bytes.IndexByte([]byte(" \t\r\n"), p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *parser) accept(c byte) bool {
	p.space()
	if p.err != nil || p.at == len(p.text) || p.text[p.at] != c {
		return false
	}
	p.at++
	return true
}

func (p *parser) expect(c byte) {
	if !p.accept(c) {
		p.fail(fmt.Errorf("%q expected at byte %d", c, p.at))
	}
}

func (p *parser) quoted() string {
	quote := byte('\'')
	if p.accept('"') {
		quote = '"'
	} else {
		p.expect('\'')
	}
	end := bytes.IndexByte(p.text[p.at:], quote)
	if p.err != nil || end < 0 {
		p.fail(fmt.Errorf("a string does not end"))
		return ""
	}
	s := string(p.text[p.at : p.at+end])
	p.at += end + 1
	return s
}

func (p *parser) boolean() bool {
	p.space()
	for _, v := range []bool{false, true} {
		word := map[bool]string{false: "False", true: "True"}[v]
		if bytes.HasPrefix(p.text[p.at:], []byte(word)) {
			p.at += len(word)
			return v
		}
	}
	p.fail(fmt.Errorf("a boolean, True or False, is expected at byte %d", p.at))
	return false
}

func (p *parser) tuple() []int64 {
	shape := []int64{}
	p.expect('(')
	for p.err == nil && !p.accept(')') {
		shape = append(shape, p.integer())
		if len(shape) > MaxDims {
			p.fail(fmt.Errorf("more than %d dimensions", MaxDims))
		}
		if !p.accept(',') {
			p.expect(')')
			break
		}
	}
	return shape
}

func (p *parser) integer() int64 {
	p.space()
	end := p.at
	for end < len(p.text) && p.text[end] >= '0' && p.text[end] <= '9' {
		end++
	}
	n, err := strconv.ParseInt(string(p.text[p.at:end]), 10, 64)
	if err != nil {
		p.fail(fmt.Errorf("a dimension is expected at byte %d", p.at))
	}
	p.at = end
	if p.at < len(p.text) && p.text[p.at] == 'L' { // written by Python 2
		p.at++
	}
	return n
}
