package weights

import (
	"fmt"
)

// Instructions of pickle protocols 2 to 5, as far as checkpoints use them.
const (
	opMark           = '('
	opStop           = '.'
	opPop            = '0'
	opPopMark        = '1'
	opDup            = '2'
	opBinFloat       = 'G'
	opBinInt         = 'J'
	opBinInt1        = 'K'
	opBinInt2        = 'M'
	opNone           = 'N'
	opBinPersID      = 'Q'
	opReduce         = 'R'
	opBinString      = 'T'
	opShortBinString = 'U'
	opBinUnicode     = 'X'
	opAppend         = 'a'
	opBuild          = 'b'
	opGlobal         = 'c'
	opDict           = 'd'
	opEmptyDict      = '}'
	opAppends        = 'e'
	opBinGet         = 'h'
	opLongBinGet     = 'j'
	opList           = 'l'
	opEmptyList      = ']'
	opBinPut         = 'q'
	opLongBinPut     = 'r'
	opSetItem        = 's'
	opTuple          = 't'
	opEmptyTuple     = ')'
	opSetItems       = 'u'
	opBinBytes       = 'B'
	opShortBinBytes  = 'C'
	opProto          = 0x80
	opNewObj         = 0x81
	opTuple1         = 0x85
	opTuple2         = 0x86
	opTuple3         = 0x87
	opNewTrue        = 0x88
	opNewFalse       = 0x89
	opLong1          = 0x8a
	opLong4          = 0x8b
	opShortUnicode   = 0x8c
	opBinUnicode8    = 0x8d
	opBinBytes8      = 0x8e
	opStackGlobal    = 0x93
	opMemoize        = 0x94
	opFrame          = 0x95
)

// step executes an instruction.
func (m *machine) step(op byte) error {
	switch op {
	case opProto:
		return m.proto()
	case opFrame:
		_, err := m.bytes(8) // reading is buffered anyway
		return err
	case opMark:
		m.marks = append(m.marks, len(m.stack))
		return nil
	case opPop:
		return m.discard()
	case opPopMark:
		_, err := m.popMark()
		return err
	case opDup:
		return m.pushed(m.top())
	case opBinPut, opLongBinPut, opMemoize:
		return m.put(op)
	case opBinGet:
		return m.get(1)
	case opLongBinGet:
		return m.get(4)
	case opAppend, opAppends:
		return m.appendItems(op)
	case opSetItem, opSetItems:
		return m.setItems(op)
	case opBuild:
		return m.build()
	}
	return m.pushed(m.value(op))
}

// value executes an instruction that leaves one more value.
func (m *machine) value(op byte) (Value, error) {
	switch op {
	case opNone:
		return nil, nil
	case opNewTrue, opNewFalse:
		return op == opNewTrue, nil
	case opBinInt:
		n, err := m.uint(4)
		return int64(int32(n)), err
	case opBinInt1:
		n, err := m.uint(1)
		return int64(n), err
	case opBinInt2:
		n, err := m.uint(2)
		return int64(n), err
	case opLong1:
		return m.long(1)
	case opLong4:
		return m.long(4)
	case opBinFloat:
		return m.float()
	case opShortUnicode, opShortBinString:
		return m.text(1)
	case opBinUnicode, opBinString:
		return m.text(4)
	case opBinUnicode8:
		return m.text(8)
	case opShortBinBytes:
		return m.raw(1)
	case opBinBytes:
		return m.raw(4)
	case opBinBytes8:
		return m.raw(8)
	}
	return m.composed(op)
}

// composed executes an instruction that makes a value of those on the stack.
func (m *machine) composed(op byte) (Value, error) {
	switch op {
	case opEmptyTuple:
		return Tuple{}, nil
	case opTuple1:
		return m.tuple(m.popN(1))
	case opTuple2:
		return m.tuple(m.popN(2))
	case opTuple3:
		return m.tuple(m.popN(3))
	case opTuple:
		return m.tuple(m.popMark())
	case opEmptyList:
		return &List{}, nil
	case opList:
		items, err := m.popMark()
		return &List{items: items}, err
	case opEmptyDict:
		return &Dict{}, nil
	case opDict:
		items, err := m.popMark()
		if err != nil {
			return nil, err
		}
		d := &Dict{}
		return d, d.setPairs(items)
	case opGlobal:
		return m.global()
	case opStackGlobal:
		return m.stackGlobal()
	case opReduce, opNewObj:
		return m.reduce()
	case opBinPersID:
		id, err := m.pop()
		if err != nil {
			return nil, err
		}
		return m.persistent(m, id)
	}
	return nil, fmt.Errorf("instruction 0x%02x is not one that checkpoints use", op)
}

// tuple lets a Tuple be returned as a Value.
func (m *machine) tuple(t Tuple, err error) (Value, error) { return t, err }

func (m *machine) pushed(v Value, err error) error {
	if err == nil {
		m.push(v)
	}
	return err
}

func (m *machine) proto() error {
	v, err := m.byte()
	if err == nil && (v < 2 || v > 5) {
		err = fmt.Errorf("pickle protocol %d is not supported", v)
	}
	return err
}

func (m *machine) discard() error {
	if n := len(m.marks); n > 0 && m.marks[n-1] == len(m.stack) {
		m.marks = m.marks[:n-1]
		return nil
	}
	_, err := m.pop()
	return err
}

func (m *machine) text(countSize int) (Value, error) {
	b, err := m.counted(countSize)
	return text(b), err
}

func (m *machine) raw(countSize int) (Value, error) {
	b, err := m.counted(countSize)
	return b, err
}

// The memo.

func (m *machine) put(op byte) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	key := uint64(len(m.memo))
	switch op {
	case opBinPut:
		key, err = m.uint(1)
	case opLongBinPut:
		key, err = m.uint(4)
	}
	if err == nil {
		m.memo[uint32(key)] = v
	}
	return err
}

func (m *machine) get(size int) error {
	key, err := m.uint(size)
	if err != nil {
		return err
	}
	v, ok := m.memo[uint32(key)]
	if !ok {
		return fmt.Errorf("value %d is recalled before it is stored", key)
	}
	m.push(v)
	return nil
}

// Filling containers.

func (m *machine) appendItems(op byte) error {
	items, err := m.arguments(op == opAppend, 1)
	if err != nil {
		return err
	}
	target, err := m.top()
	if err != nil {
		return err
	}
	l, ok := target.(*List)
	if !ok {
		return fmt.Errorf("items are appended to %s", aKind(target))
	}
	l.items = append(l.items, items...)
	return nil
}

func (m *machine) setItems(op byte) error {
	items, err := m.arguments(op == opSetItem, 2)
	if err != nil {
		return err
	}
	target, err := m.top()
	if err != nil {
		return err
	}
	d, ok := target.(*Dict)
	if !ok {
		return fmt.Errorf("entries are set in %s", aKind(target))
	}
	return d.setPairs(items)
}

// arguments are the n topmost values, or those above the mark.
func (m *machine) arguments(fixed bool, n int) (Tuple, error) {
	if fixed {
		return m.popN(n)
	}
	return m.popMark()
}

func (d *Dict) setPairs(items Tuple) error {
	if len(items)%2 != 0 {
		return fmt.Errorf("a dictionary has a key without a value")
	}
	for i := 0; i < len(items); i += 2 {
		if err := d.set(items[i], items[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// Classes.

func (m *machine) global() (Value, error) {
	module, err := m.line()
	if err != nil {
		return nil, err
	}
	name, err := m.line()
	if err != nil {
		return nil, err
	}
	return m.find(module, name)
}

func (m *machine) stackGlobal() (Value, error) {
	names, err := m.popN(2)
	if err != nil {
		return nil, err
	}
	module, ok := names[0].(string)
	name, ok2 := names[1].(string)
	if !ok || !ok2 {
		return nil, fmt.Errorf("a class is named by %s and %s", aKind(names[0]), aKind(names[1]))
	}
	if len(module) > maxLine || len(name) > maxLine {
		return nil, fmt.Errorf("a name has more than %d bytes", maxLine)
	}
	return m.find(module, name)
}

// reduce calls a constructor with a tuple of arguments.
func (m *machine) reduce() (Value, error) {
	pair, err := m.popN(2)
	if err != nil {
		return nil, err
	}
	c, ok := pair[0].(constructor)
	args, ok2 := pair[1].(Tuple)
	if !ok || !ok2 {
		return nil, fmt.Errorf("%s is called with %s", kindOf(pair[0]), aKind(pair[1]))
	}
	v, err := c.build(m, args)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	return v, nil
}

// build gives an object its state.
func (m *machine) build() error {
	state, err := m.pop()
	if err != nil {
		return err
	}
	target, err := m.top()
	if err != nil {
		return err
	}
	switch t := target.(type) {
	case *Dict: // attributes such as a state dict's _metadata
		if _, ok := state.(*Dict); ok {
			return nil
		}
	case *Tensor:
		return t.setState(m, state)
	case *numpyType:
		return t.setState(state)
	}
	return fmt.Errorf("%s gets the state of %s", kindOf(target), aKind(state))
}
