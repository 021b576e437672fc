// Package sheet opens tables that people write: CSV files by hand, by scripts
// and as spreadsheets save them. All of them are read alike, whatever separates
// their fields (commas, semicolons, tabs, bars; a first line such as "sep=;" says so),
// however their letters are stored (UTF-8 or UTF-16, with or without a
// byte-order mark, else Windows-1252) and their lines end (LF, CRLF, CR). Blanks
// around fields and the case of column names do not count, nor do empty lines
// and columns beyond the last named one. Where a comma does not separate, it may be a decimal sign.
package sheet

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/prioritycut/prioritycut/internal/localfile"
)

// table is the file of a table.
type table interface {
	io.ReaderAt
	io.Closer
}

// Sheet is an open table.
type Sheet struct {
	// Columns are the names in its header, in lower case.
	Columns []string
	// Ragged lets rows through that have more or fewer fields than Columns.
	Ragged bool

	file        table // UTF-8, lines that end in LF
	start, size int64 // of the header line
	comma       rune
	before      int   // lines before the header
	rows        *Rows // the first reader, behind the header
}

// looks is how much of a file's beginning is looked at.
const looks = 1 << 16

// Open opens a table of at most so many bytes and reads its header. Its errors
// name the file.
func Open(path string, most int64) (*Sheet, error) {
	file, size, err := localfile.Open(path)
	if err != nil {
		return nil, err
	}
	s := &Sheet{file: file, size: size}
	if err := s.open(most); err != nil {
		s.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// Close closes the table.
func (s *Sheet) Close() error { return s.file.Close() }

func (s *Sheet) open(most int64) error {
	if s.size > most {
		return fmt.Errorf("it has %d bytes, more than the %d that are read", s.size, most)
	}
	head, err := s.head()
	if err != nil {
		return err
	}
	decode := decoder(head)
	if decode == nil && !bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		if valid, err := s.isUTF8(); err != nil {
			return err
		} else if !valid {
			decode = fromWindows1252
		}
	}
	if decode != nil {
		if err := s.rewrite(decode); err != nil {
			return err
		}
		if head, err = s.head(); err != nil {
			return err
		}
	}
	s.start = int64(len(head) - len(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))))
	line := firstLine(head[s.start:])
	if sep, ok := bytes.CutPrefix(bytes.ToLower(line), []byte("sep=")); ok {
		s.start += int64(len(line)) + 1
		if s.start > int64(len(head)) {
			return errNoHeader
		}
		s.comma, s.before = separator(sep), 1
		line = firstLine(head[s.start:])
	}
	if s.comma == 0 {
		s.comma = separator(line)
	}
	s.rows = s.From(s.start, s.size)
	s.rows.before = s.before
	s.Columns, err = s.rows.csv.Read()
	if err != nil {
		return fmt.Errorf("%w: %w", errNoHeader, err)
	}
	s.Columns = append([]string(nil), s.Columns...)
	for i, name := range s.Columns {
		s.Columns[i] = strings.ToLower(strings.TrimSpace(name))
	}
	for n := len(s.Columns); n > 1 && s.Columns[n-1] == ""; n-- {
		s.Columns = s.Columns[:n-1]
	}
	return nil
}

var errNoHeader = errors.New("it has no header, whose first line names the columns")

func (s *Sheet) head() ([]byte, error) {
	head := make([]byte, min(looks, s.size))
	if _, err := s.file.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, err
	}
	if len(head) == 0 {
		return nil, fmt.Errorf("it is empty: %w", errNoHeader)
	}
	return head, nil
}

// firstLine is the beginning without its end, up to a line's end.
func firstLine(text []byte) []byte {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
}

// separator is the sign that stands most often outside of quotes; a comma if
// none does.
func separator(line []byte) rune {
	best, most := ',', 0
	for _, c := range ",;\t|" {
		n, quoted := 0, false
		for _, b := range string(line) {
			if b == '"' {
				quoted = !quoted
			}
			if b == c && !quoted {
				n++
			}
		}
		if n > most {
			best, most = c, n
		}
	}
	return best
}

// rewrite puts a file without a name in place of one that is stored otherwise.
func (s *Sheet) rewrite(decode func(*bufio.Reader, *bufio.Writer) error) error {
	temp, err := os.CreateTemp("", ".table-*")
	if err != nil {
		return err
	}
	os.Remove(temp.Name()) // it stays open
	out := bufio.NewWriterSize(temp, 1<<16)
	err = decode(bufio.NewReaderSize(io.NewSectionReader(s.file, 0, s.size), 1<<16), out)
	if err == nil {
		err = out.Flush()
	}
	var size int64
	if err == nil {
		size, err = temp.Seek(0, io.SeekEnd)
	}
	if err != nil {
		temp.Close()
		return err
	}
	s.file.Close() // it was only read
	s.file, s.size = temp, size
	return nil
}

// Rows reads rows one after another.
type Rows struct {
	sheet *Sheet
	csv   *csv.Reader
	from  int64

	before int // lines before the first
	line   int
}

// Rows are all rows behind the header. It is called once.
func (s *Sheet) Rows() *Rows { return s.rows }

// From reads the rows that lie between two offsets (Rows.Offset).
func (s *Sheet) From(from, to int64) *Rows {
	r := csv.NewReader(bufio.NewReaderSize(io.NewSectionReader(s.file, from, to-from), 1<<16))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = s.comma, -1, true
	r.TrimLeadingSpace = s.comma != '\t' // which is space: empty fields would vanish
	return &Rows{sheet: s, csv: r, from: from}
}

// Offset is where the next row begins.
func (r *Rows) Offset() int64 { return r.from + r.csv.InputOffset() }

// Line is the number of the line of the row read last, from 1; with From it
// counts from there.
func (r *Rows) Line() int { return r.line }

var decimal = regexp.MustCompile(`^[-+]?[0-9]*,[0-9]+([eE][-+]?[0-9]+)?$`)

// Next returns the fields of the next row that is not empty, which are valid
// until the next call; io.EOF after the last. A row that cannot be parsed is a
// *csv.ParseError, and reading can go on behind it.
func (r *Rows) Next() ([]string, error) {
	for {
		row, err := r.csv.Read()
		if err != nil {
			var bad *csv.ParseError
			if errors.As(err, &bad) {
				r.line = r.before + bad.StartLine
			}
			return nil, err
		}
		r.line, _ = r.csv.FieldPos(0)
		r.line += r.before
		n := len(row)
		for n > 0 && strings.TrimSpace(row[n-1]) == "" {
			n--
		}
		if n == 0 {
			continue
		}
		columns := len(r.sheet.Columns)
		row = row[:min(len(row), max(n, columns))]
		for i, field := range row {
			row[i] = strings.Trim(field, " ")
		}
		if len(row) != columns && !r.sheet.Ragged {
			return nil, &csv.ParseError{StartLine: r.line, Line: r.line, Column: 1,
				Err: fmt.Errorf("%d fields, the header names %d columns", len(row), columns)}
		}
		if r.sheet.comma != ',' {
			for i, field := range row {
				if decimal.MatchString(field) {
					row[i] = strings.Replace(field, ",", ".", 1)
				}
			}
		}
		return row, nil
	}
}

// Column is the number of a column; -1 if there is none of this name.
func (s *Sheet) Column(name string) int {
	for i, c := range s.Columns {
		if c == name {
			return i
		}
	}
	return -1
}
