package evaluate

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/prioritycut/prioritycut/evaluate/result"
)

// TestTablesOfEveryForm: keypoints in tables as people's programs save them, with
// a missing one in the middle, give the distances that were put in: the generated
// ones lie 3 to the right and 4 below in even frames, 0.5 to the right in odd ones.
func TestTablesOfEveryForm(t *testing.T) {
	dir, tables := t.TempDir(), t.TempDir()
	name, frames := noisy(t, 0)
	writePNG(t, strip(frames), dir, name+".png")
	table := func(generated bool) string {
		text := "video,frame,x0,y0,x1,y1\n"
		for i := range frames {
			dx, dy := 0.0, 0.0
			if generated {
				dx, dy = [2]float64{3, 0.5}[i%2], [2]float64{4, 0}[i%2]
			}
			first := fmt.Sprintf("%g,%g", float64(i)+0.5+dx, 10+dy)
			if i%3 == 2 {
				first = "," // not found, in both
			}
			text += fmt.Sprintf("%s,%d,%s,%g,%g\n", name, i, first, 7+dx, 8.25+dy)
		}
		return text
	}
	separated := func(by string) func(string) string {
		return func(text string) string {
			comma := strings.NewReplacer(",", by, ".", ",") // as decimals are written where commas do not separate
			return comma.Replace(text)
		}
	}
	utf16le := func(text string) string {
		out := []byte("\xff\xfe")
		for _, u := range utf16.Encode([]rune(text)) {
			out = append(out, byte(u), byte(u>>8))
		}
		return string(out)
	}
	for form, change := range map[string]func(string) string{
		"plain": func(s string) string { return s }, "mark": func(s string) string { return "\xef\xbb\xbf" + s },
		"semicolons and mark": func(s string) string {
			return "\xef\xbb\xbf" + strings.ReplaceAll(separated(";")(s), "\n", "\r\n")
		},
		"tabs": separated("\t"), "bars": separated("|"), "old Mac": func(s string) string { return strings.ReplaceAll(s, "\n", "\r") },
		"utf-16 tabs": func(s string) string { return utf16le(strings.ReplaceAll(separated("\t")(s), "\n", "\r\n")) },
	} {
		for i, file := range []string{realTable, generatedTable} {
			if err := os.WriteFile(filepath.Join(tables, file), []byte(change(table(i == 1))), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		q := predictions(t, dir)
		q.NumVideos, q.Keypoints, q.Out = 1, tables, filepath.Join(t.TempDir(), form)
		o := mustRun(t, q)
		for i, row := range frameRows(t, o) {
			if want := [2]float64{3.5, 0.25}[i%2]; float64(row.AKD) != want || row.MKR != 0 { // |dx| and |dy|, their mean
				t.Errorf("%s, frame %d: AKD %v, MKR %v, want %v and 0", form, i, row.AKD, row.MKR, want)
			}
		}
		for _, s := range o.Summary {
			if s.Metric == result.AKD && math.Abs(float64(s.Mean)-1.875) > 1e-6 {
				t.Errorf("%s: AKD %v, want 1.875", form, s.Mean)
			}
		}
	}
}
