package sheet

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// decoder tells what has to be done to a file that is not UTF-8 with LF; nil if
// it is.
func decoder(head []byte) func(in *bufio.Reader, out *bufio.Writer) error {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), len(head) > 3 && head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
		return func(in *bufio.Reader, out *bufio.Writer) error { return fromUTF16(in, out, binary.LittleEndian) }
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}), len(head) > 3 && head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0:
		return func(in *bufio.Reader, out *bufio.Writer) error { return fromUTF16(in, out, binary.BigEndian) }
	case bytes.ContainsRune(head, '\r') && !bytes.ContainsRune(head, '\n'):
		return fromCR
	}
	return nil
}

// isUTF8 reads the whole table: the first letter that is none of UTF-8 may stand
// anywhere.
func (s *Sheet) isUTF8() (bool, error) {
	in := bufio.NewReaderSize(io.NewSectionReader(s.file, 0, s.size), 1<<16)
	for {
		text, err := in.Peek(in.Size())
		if err != nil && err != io.EOF {
			return false, err
		}
		n := len(text)
		if err == nil { // the last letter may be cut
			for cut := 1; cut < utf8.UTFMax; cut++ {
				if utf8.RuneStart(text[len(text)-cut]) {
					n = len(text) - cut
					break
				}
			}
		}
		if !utf8.Valid(text[:n]) || n == 0 && err == nil {
			return false, nil
		}
		if err == io.EOF {
			return true, nil
		}
		if _, err := in.Discard(n); err != nil {
			return false, err
		}
	}
}

func fromUTF16(in *bufio.Reader, out *bufio.Writer, order binary.ByteOrder) error {
	unit := func() (rune, error) {
		var b [2]byte
		if _, err := io.ReadFull(in, b[:]); err != nil {
			return 0, err
		}
		return rune(order.Uint16(b[:])), nil
	}
	lines := lineWriter{out: out}
	for first := true; ; first = false {
		r, err := unit()
		if err == nil && utf16.IsSurrogate(r) {
			var low rune
			if low, err = unit(); err == nil {
				r = utf16.DecodeRune(r, low)
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err == io.ErrUnexpectedEOF:
			return errors.New("it is UTF-16 and ends in the middle of a letter")
		case err != nil:
			return err
		case first && r == 0xfeff:
		default:
			lines.write(r)
		}
	}
}

// fromWindows1252 reads what spreadsheets save where nothing else was asked for.
func fromWindows1252(in *bufio.Reader, out *bufio.Writer) error {
	lines := lineWriter{out: out}
	for {
		b, err := in.ReadByte()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		lines.write(charmap.Windows1252.DecodeByte(b))
	}
}

// lineWriter writes letters, and LF for every end of a line.
type lineWriter struct {
	out    *bufio.Writer // errors stick to it
	before rune
}

func (l *lineWriter) write(r rune) {
	switch {
	case r == '\n' && l.before == '\r': // its line has ended
	case r == '\r':
		l.out.WriteByte('\n')
	default:
		l.out.WriteRune(r)
	}
	l.before = r
}

func fromCR(in *bufio.Reader, out *bufio.Writer) error {
	for {
		b, err := in.ReadByte()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if b == '\r' {
			b = '\n'
		}
		if err := out.WriteByte(b); err != nil {
			return err
		}
	}
}
