package pairs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/localfile/localfiletest"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pairs.csv")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	names := []string{"a.mp4", "b", "c d"}
	path := write(t, "\ufeffdistance,source,driving,frame\r\n0.5,a.mp4,b,3\r\n1,gone,b,0\r\n2,\"c d\",a.mp4,1\r\n0.5,a.mp4,b,7\r\n3,b,gone,0\r\n")
	got, dropped, err := Read(path, names)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Pair{{"a.mp4", "b"}, {"c d", "a.mp4"}}, got); diff != "" || dropped != 2 {
		t.Errorf("%d dropped (-want +got):\n%s", dropped, diff)
	}
	for text, want := range map[string]string{
		"":                                  "header",
		"distance,from,to,frame\n1,a,b,0\n": "columns source and driving",
		"source,driving\nx,y\n":             "none of its 1 pairs",
		"source,driving\nb\n":               "1 fields, the header names 2 columns",
		"source,driving\n\"b,b\n":           "quote",
	} {
		if _, _, err := Read(write(t, text), names); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, _, err := Read(t.TempDir(), names); err == nil {
		t.Error("a folder is read")
	}
}

// No two results have one name: the second pair would pass for done.
func TestFileNames(t *testing.T) {
	pairs := []Pair{{"x/a", "b"}, {"c", "a-b"}, {"b-c", "a"}, {"2", "a-b-c"}, {"b_c", "a"}, {"b/c", "a"}}
	want := []string{"b-x_a", "a-b-c", "a-b-c-2", "a-b-c-2-2", "a-b_c", "a-b_c-2"}
	if diff := cmp.Diff(want, FileNames(pairs)); diff != "" {
		t.Error(diff)
	}
}

// Titles may have as many bytes as a name of a file.
func TestLongNames(t *testing.T) {
	title := strings.Repeat("動画", 40) // 240 bytes
	names := FileNames([]Pair{{title + "a.mp4", title + "b.mp4"}, {title + "b.mp4", title + "a.mp4"}, {title + "a.mp4", "b"}})
	seen := map[string]bool{}
	for _, name := range names {
		if len(name)+len("-2.webm") > 255 || !utf8.ValidString(name) || seen[name] {
			t.Errorf("%q of %d bytes", name, len(name))
		}
		seen[name] = true
	}
}

// A spreadsheet's table is read like any other.
func TestReadSpreadsheet(t *testing.T) {
	for _, text := range []string{"source;driving\r\na;b\r\n", "sep=\t\nSource\tDriving\na\tb\n", "\xff\xfes\x00o\x00u\x00r\x00c\x00e\x00,\x00d\x00r\x00i\x00v\x00i\x00n\x00g\x00\n\x00a\x00,\x00b\x00"} {
		got, _, err := Read(write(t, text), []string{"a", "b"})
		if diff := cmp.Diff([]Pair{{"a", "b"}}, got); diff != "" || err != nil {
			t.Errorf("%q: %v %s", text, err, diff)
		}
	}
}

func TestRandom(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
	for _, n := range []int{0, 3, 50, 60, 100, 1000} {
		got := Random(names, n, 0)
		if len(got) != min(n, 100) {
			t.Errorf("%d of %d pairs", len(got), n)
		}
		seen := map[Pair]bool{}
		for _, p := range got {
			seen[p] = true
		}
		if len(seen) != len(got) {
			t.Errorf("of %d pairs %d are different", len(got), len(seen))
		}
		if diff := cmp.Diff(got, Random(names, n, 0)); diff != "" {
			t.Errorf("drawn again: %s", diff)
		}
	}
	if cmp.Equal(Random(names, 20, 0), Random(names, 20, 1)) {
		t.Error("two seeds give the same pairs")
	}
	if len(Random(nil, 5, 0)) != 0 {
		t.Error("pairs of nothing")
	}
}

func TestPipesAreRefused(t *testing.T) {
	pipe := localfiletest.Pipe(t, "pairs.csv")
	_, _, err := Read(pipe, nil)
	localfiletest.Refused(t, pipe, err)
}

// FuzzRead reads any bytes as a table of pairs.
func FuzzRead(f *testing.F) {
	f.Add([]byte("distance,source,driving,frame\n0.5,a,b,3\n1,gone,b,0\n"))
	f.Add([]byte("\ufeffsource;driving\r\na;b\r\n"))
	f.Add([]byte("source,driving\n\"a,b\n"))
	path := filepath.Join(f.TempDir(), "pairs.csv")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		pairs, _, err := Read(path, []string{"a", "b"})
		if err != nil {
			return
		}
		seen := map[Pair]bool{}
		for _, p := range pairs {
			if seen[p] || p.Source != "a" && p.Source != "b" || p.Driving != "a" && p.Driving != "b" {
				t.Errorf("%q gives %v", data, pairs)
			}
			seen[p] = true
		}
		if len(pairs) == 0 {
			t.Errorf("%q gives nothing, without an error", data)
		}
	})
}
