package sheet

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

func file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "table.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func wide(text string, order binary.AppendByteOrder, mark bool) string {
	var out []byte
	if mark {
		out = order.AppendUint16(out, 0xfeff)
	}
	for _, u := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, u)
	}
	return string(out)
}

func rows(t testing.TB, path string) (columns []string, all [][]string) {
	t.Helper()
	s, err := Open(path, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := s.Rows()
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return s.Columns, all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, slices.Clone(row))
	}
}

// One table, as every program saves it.
func TestOneTableInManyForms(t *testing.T) {
	const plain = "Video,start , end\n\"ä, b😀.mp4\",0.5,30\nc.mp4,1,\n"
	semicolon := strings.NewReplacer(",", ";", "ä, b", "ä, b", "0.5", "0,5").Replace(plain)
	semicolon = strings.ReplaceAll(semicolon, "ä; b", "ä, b")
	tab := strings.ReplaceAll(strings.ReplaceAll(plain, ",", "\t"), "ä\t b", "ä, b")
	crlf := strings.ReplaceAll(plain, "\n", "\r\n")
	for name, text := range map[string]string{
		"plain": plain, "semicolons": semicolon, "tabs": tab, "crlf": crlf, "cr": strings.ReplaceAll(plain, "\n", "\r"),
		"mark": "\xef\xbb\xbf" + plain, "sep": "sep=;\n" + semicolon, "sep and mark": "\xef\xbb\xbfSEP=\t\r\n" + tab,
		"bars": strings.ReplaceAll(strings.ReplaceAll(plain, ",", "|"), "ä| b", "ä, b"), "sep of a bar": "sep=|\n" + strings.ReplaceAll(strings.ReplaceAll(plain, ",", "|"), "ä| b", "ä, b"),
		"blanks": strings.NewReplacer("0.5", " 0.5 ", "30", "30 ", ".mp4,1", ".mp4 , 1").Replace(plain),
		"utf-16": wide(crlf, binary.LittleEndian, true), "utf-16 big": wide(crlf, binary.BigEndian, true),
		"utf-16 without a mark": wide(plain, binary.LittleEndian, false), "utf-16 big without a mark": wide(plain, binary.BigEndian, false),
		"utf-16 with sep": wide("sep=;\r\n"+semicolon, binary.LittleEndian, true), "utf-16 cr": wide(strings.ReplaceAll(tab, "\n", "\r"), binary.LittleEndian, true),
		"empty rows": plain + ",,\n\n", "empty columns": strings.ReplaceAll(plain, "\n", ",,\n"), "no last end": strings.TrimSuffix(plain, "\n"),
	} {
		columns, all := rows(t, file(t, text))
		if !slices.Equal(columns, []string{"video", "start", "end"}) || len(all) != 2 ||
			!slices.Equal(all[0], []string{"ä, b😀.mp4", "0.5", "30"}) || !slices.Equal(all[1], []string{"c.mp4", "1", ""}) {
			t.Errorf("%s: %q, %q", name, columns, all)
		}
	}
}

// Fields that are empty stay where they are, also between tabs.
func TestEmptyFields(t *testing.T) {
	for _, separator := range []string{",", ";", "\t", "|"} {
		_, all := rows(t, file(t, strings.ReplaceAll("video,x0,y0,x1\na,,,1\nb,2,,\n,,,3\n", ",", separator)))
		want := [][]string{{"a", "", "", "1"}, {"b", "2", "", ""}, {"", "", "", "3"}}
		if !slices.EqualFunc(all, want, slices.Equal[[]string]) {
			t.Errorf("between %q: %q", separator, all)
		}
	}
}

// What is no UTF-8 is what spreadsheets of the West save.
func TestWindows1252(t *testing.T) {
	const row = "M\xfcller \x96 \x80.mp4;1\r\n"
	long := strings.Repeat("\xc3\xa4.mp4;1\r\n", 20000) // valid, and longer than what is looked at at once
	for _, c := range []struct{ text, first, last string }{
		{"video;start\r\n" + row, "Müller – €.mp4", "Müller – €.mp4"},
		{"video;start\r\n" + long, "ä.mp4", "ä.mp4"},
		{"video;start\r\n" + long + row, "Ã¤.mp4", "Müller – €.mp4"},
		{strings.ReplaceAll("video;start\n"+row, "\r\n", "\r"), "Müller – €.mp4", "Müller – €.mp4"},
	} {
		_, all := rows(t, file(t, c.text))
		if n := len(all); n == 0 || all[0][0] != c.first || all[n-1][0] != c.last || all[n-1][1] != "1" {
			t.Errorf("%.40q: %q", c.text, all[:min(1, len(all))])
		}
	}
}

// Rows can be read again from where they began.
func TestOffsets(t *testing.T) {
	for _, text := range []string{"a,b\n1,2\n3,4\n5,6\n", "\xef\xbb\xbfsep=;\r\na;b\r\n1;2\r\n3;4\r\n5;6", wide("a\tb\r\n1\t2\r\n3\t4\r\n5\t6\r\n", binary.LittleEndian, true)} {
		s, err := Open(file(t, text), 1000)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		r := s.Rows()
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		from := r.Offset()
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		again := s.From(from, r.Offset())
		row, err := again.Next()
		if err != nil || !slices.Equal(row, []string{"3", "4"}) {
			t.Errorf("%q, %v", row, err)
		}
		if _, err := again.Next(); err != io.EOF {
			t.Errorf("behind it: %v", err)
		}
	}
}

func TestTablesThatAreNone(t *testing.T) {
	for text, want := range map[string]string{"": "empty", "sep=;": "no header", "a,b\n1\n": "1 fields, the header names 2 columns",
		"a,b\n1,\"2\n": "quote", "\xff\xfea\x00,": "middle of a letter", strings.Repeat("x", 101): "more than the 100"} {
		path := file(t, text)
		s, err := Open(path, 100)
		if err == nil {
			_, err = s.Rows().Next()
			s.Close()
		} else if !strings.Contains(err.Error(), path) {
			t.Errorf("%q does not name the file", err)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	for _, text := range []string{"a,b\n1,2\n", "sep=;\na;b\n", "\xff\xfea\x00\n\x00", "\"a\r\"\r", "a\t\n\t\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Open(file(t, text), 1<<16)
		if err != nil {
			return
		}
		defer s.Close()
		for r, n := s.Rows(), 0; n < 1<<16; n++ {
			row, err := r.Next()
			if err == io.EOF {
				break
			}
			if err == nil && len(row) != len(s.Columns) {
				t.Fatalf("%d fields of %d columns", len(row), len(s.Columns))
			}
		}
	})
}
