package weights

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/big"
	"unicode/utf8"
)

const (
	// maxPickle bounds the bytes of a checkpoint's pickles. The tensors' data
	// lie outside them: a checkpoint with 700 MB of weights has 0.1 MB of
	// pickle.
	maxPickle = 64 << 20
	// maxCost bounds a pickle's instructions and the elements that they copy.
	// A checkpoint takes about 40 for each tensor.
	maxCost = 6 << 20
	// maxLong bounds the bytes of an integer.
	maxLong = 64
	// maxLine bounds the bytes of a module's or a class's name.
	maxLine = 256
)

// machine runs pickles. It knows Python's plain values; classes and
// references to storages are up to find and persistent.
type machine struct {
	find       func(module, name string) (Value, error)
	persistent func(m *machine, id Value) (Value, error)

	r    *bufio.Reader
	left int64 // bytes that may still be read
	used int64 // bytes read, over all pickles
	cost int64

	stack []Value
	marks []int // stack heights
	memo  map[uint32]Value
}

// constructor is a class or function of the allow list. It builds a value and
// has no effect beside.
type constructor struct {
	name  string
	build func(m *machine, args Tuple) (Value, error)
}

// newMachine reads pickles from r, which has size bytes.
func newMachine(r io.Reader, size int64) *machine {
	return &machine{
		r:          bufio.NewReaderSize(r, int(min(size, 64<<10))),
		left:       min(size, maxPickle),
		find:       func(module, name string) (Value, error) { return nil, notAllowed(module, name) },
		persistent: func(*machine, Value) (Value, error) { return nil, fmt.Errorf("unexpected reference") },
	}
}

func notAllowed(module, name string) error {
	return fmt.Errorf("%.60s.%.60s is not on the list of what a checkpoint may contain; "+
		"save state dicts of tensors only (torch.save(model.state_dict(), ...))", module, name)
}

// load runs one pickle and returns its value.
func (m *machine) load() (Value, error) {
	m.stack, m.marks, m.memo = nil, nil, map[uint32]Value{}
	for {
		at := m.used
		op, err := m.byte()
		if err != nil {
			return nil, fmt.Errorf("pickle, byte %d: %w", at, err)
		}
		if op == opStop {
			v, err := m.pop()
			if err != nil {
				return nil, fmt.Errorf("pickle, byte %d: %w", at, err)
			}
			return v, nil
		}
		if err := m.charge(1); err != nil {
			return nil, err
		}
		if err := m.step(op); err != nil {
			return nil, fmt.Errorf("pickle, byte %d: %w", at, err)
		}
	}
}

// charge counts what an instruction does, in elements.
func (m *machine) charge(n int) error {
	m.cost += int64(n)
	if m.cost > maxCost {
		return fmt.Errorf("the pickle does more than any checkpoint needs")
	}
	return nil
}

// Reading.

func (m *machine) byte() (byte, error) {
	if m.left < 1 {
		return 0, io.ErrUnexpectedEOF
	}
	b, err := m.r.ReadByte()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	m.left--
	m.used++
	return b, err
}

// bytes reads n bytes. No more is allocated than the file can have.
func (m *machine) bytes(n uint64) ([]byte, error) {
	if n > uint64(m.left) {
		return nil, io.ErrUnexpectedEOF
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(m.r, b); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	m.left -= int64(n)
	m.used += int64(n)
	return b, nil
}

// uint reads a little-endian number of size bytes.
func (m *machine) uint(size int) (uint64, error) {
	var b [8]byte
	for i := 0; i < size; i++ {
		c, err := m.byte()
		if err != nil {
			return 0, err
		}
		b[i] = c
	}
	return binary.LittleEndian.Uint64(b[:]), nil
}

// counted reads a count of size bytes and so many bytes.
func (m *machine) counted(size int) ([]byte, error) {
	n, err := m.uint(size)
	if err != nil {
		return nil, err
	}
	return m.bytes(n)
}

// line reads up to a line end, which is dropped.
func (m *machine) line() (string, error) {
	var line []byte
	for len(line) < maxLine {
		c, err := m.byte()
		if err != nil {
			return "", err
		}
		if c == '\n' {
			return string(line), nil
		}
		line = append(line, c)
	}
	return "", fmt.Errorf("a name has more than %d bytes", len(line))
}

// long reads the bytes of a little-endian two's complement integer.
func (m *machine) long(countSize int) (Value, error) {
	n, err := m.uint(countSize)
	if err != nil {
		return nil, err
	}
	if n > maxLong {
		return nil, fmt.Errorf("an integer of %d bytes", n)
	}
	b, err := m.bytes(n)
	if err != nil {
		return nil, err
	}
	return decodeLong(b), nil
}

func decodeLong(b []byte) Value {
	reversed := make([]byte, len(b))
	for i, c := range b {
		reversed[len(b)-1-i] = c
	}
	v := new(big.Int).SetBytes(reversed)
	if len(b) > 0 && b[len(b)-1]&0x80 != 0 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	if v.IsInt64() {
		return v.Int64()
	}
	return v
}

func (m *machine) float() (Value, error) {
	b, err := m.bytes(8)
	if err != nil {
		return nil, err
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
}

// text decodes a str; what Python 2 wrote as one may be bytes.
func text(b []byte) Value {
	if utf8.Valid(b) {
		return string(b)
	}
	return b
}

// The stack.

func (m *machine) push(v Value) { m.stack = append(m.stack, v) }

func (m *machine) floor() int {
	if len(m.marks) == 0 {
		return 0
	}
	return m.marks[len(m.marks)-1]
}

func (m *machine) pop() (Value, error) {
	if len(m.stack) <= m.floor() {
		return nil, fmt.Errorf("the stack is empty")
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v, nil
}

func (m *machine) top() (Value, error) {
	if len(m.stack) <= m.floor() {
		return nil, fmt.Errorf("the stack is empty")
	}
	return m.stack[len(m.stack)-1], nil
}

// popN removes n values and returns a copy of them, the lowest first.
func (m *machine) popN(n int) (Tuple, error) {
	if len(m.stack)-n < m.floor() {
		return nil, fmt.Errorf("the stack is empty")
	}
	low := len(m.stack) - n
	values := append(Tuple{}, m.stack[low:]...)
	m.stack = m.stack[:low]
	return values, nil
}

// popMark removes what lies above the topmost mark, and the mark.
func (m *machine) popMark() (Tuple, error) {
	if len(m.marks) == 0 {
		return nil, fmt.Errorf("there is no mark")
	}
	values, err := m.popN(len(m.stack) - m.floor())
	m.marks = m.marks[:len(m.marks)-1]
	return values, err
}
