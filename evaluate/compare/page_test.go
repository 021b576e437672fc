package compare

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/internal/browser"
)

// wide is a report with all that is wide: every column, long names, a picture, a
// plot.
func wide(t *testing.T) *Report {
	t.Helper()
	name := run("shapes-64-prioritycut-with-a-long-name-of-its-own", "prioritycut")
	a := write(t, run("fomm", "fomm"), 3, 3, true, func(v, i int) float64 { return 0.1 + 0.01*float64(v) })
	b := write(t, name, 3, 3, true, func(v, i int) float64 { return 0.11 + 0.01*float64(v) })
	r := build(t, Options{Published: []int{4}}, a, b).Report("runs/shapes-64-prioritycut (prioritycut, step 2400) on shapes", nil)
	s := &r.Sections[0]
	table := s.Tables[0]
	if len(table.Columns) < 9 {
		t.Fatalf("%d columns", len(table.Columns))
	}
	for i := range table.Rows {
		for c := range table.Rows[i].Cells {
			table.Rows[i].Cells[c].Mean, table.Rows[i].Cells[c].Half = 0.4567, 0.00321
		}
	}
	grid := Grid{Caption: "All metrics", Header: []string{"metric", "region", "mean", "± over frames", "95 % over videos", "frames"}}
	for i := 0; i < 9; i++ {
		grid.Rows = append(grid.Rows, []string{"PSNR ↑", "non salient", "22.25", "0.334", "20.63 .. 23.88", "384"})
	}
	s.Grids = append(s.Grids, grid, Grid{Caption: "Videos", Header: []string{"video", "L1 ↓", "frames"},
		Rows: [][]string{{"id10001#dQw4w9WgXcQ#001544#001743_with_a_name_as_collections_have_them.mp4", "0.1653", "24"}}})
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewRGBA(image.Rect(0, 0, 913, 300))); err != nil {
		t.Fatal(err)
	}
	s.Pictures = []Picture{{Caption: "The frame of each of these videos that the prediction misses most", PNG: file.Bytes()}}
	s.Warnings = []string{"keypoints of generated frames: joints@0123456789abcdef in one; joints@fedcba9876543210 in the other"}
	return r
}

// lost tells, at the window's size, what of a page a reader cannot come to: all
// that is wider than the window lies in a frame that scrolls, whose last column
// comes into sight beside the first.
const lost = `const w = document.documentElement.clientWidth, bad = [];
if (document.documentElement.scrollWidth > w) bad.push("the page is " + document.documentElement.scrollWidth + " wide");
for (const frame of document.querySelectorAll(".scroll, .plots figure")) {
	const name = frame.innerText.slice(0, 30).replace(/\s+/g, " ") || frame.ariaLabel, box = frame.getBoundingClientRect();
	if (box.left < 0 || box.right > w + 0.5) bad.push(name + ": the frame ends at " + box.right);
	const table = frame.querySelector("table");
	if (frame.scrollWidth <= frame.clientWidth) continue;
	if (!["auto", "scroll"].includes(getComputedStyle(frame).overflowX)) bad.push(name + ": does not scroll");
	frame.scrollLeft = 1e6;
	if (table) {
		const row = table.tBodies[0].rows[0].cells, first = row[0].getBoundingClientRect(), last = row[row.length - 1].getBoundingClientRect();
		if (Math.abs(first.left - box.left) > 1) bad.push(name + ": the first column has gone to " + first.left);
		if (last.right > box.right + 1 || last.left < first.right - 1) bad.push(name + ": the last column lies from " + last.left + " to " + last.right);
		if (first.width > box.width / 2) bad.push(name + ": the first column takes " + first.width + " of " + box.width);
		if (row[0].textContent.length > 8 && first.width < 80) bad.push(name + ": the first column is " + first.width + " wide");
		const middle = first.top + first.height / 2, over = document.elementFromPoint(first.left + 5, middle);
		if (middle < innerHeight && middle > 0 && over !== row[0]) bad.push(name + ": others lie over the first column");
	}
	frame.scrollLeft = 0;
}
for (const e of document.querySelectorAll("td, th, p, figcaption, svg text"))
	if (e.textContent.trim() && parseFloat(getComputedStyle(e).fontSize) < 11) bad.push(e.textContent + ": too small");
return bad`

// TestPageAtAllWidths looks at the page in windows from a phone's to a wide one.
func TestPageAtAllWidths(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	var page bytes.Buffer
	if err := wide(t).WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, page.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	p := browser.Open(t, 1600, 1000)
	p.Go("file://" + path)
	for _, width := range []int{320, 360, 480, 700, 768, 1000, 1100, 1280, 1600} {
		p.Resize(width, 1000)
		var bad []string
		p.Eval(lost, &bad)
		for _, b := range bad {
			t.Errorf("%d pixels: %s", width, b)
		}
		p.Keep(fmt.Sprintf("page-%d", width))
	}
	// By the keyboard alone.
	p.Resize(360, 1000)
	p.Press(browser.Tab)
	var role string
	if p.Eval(`return document.activeElement.className`, &role); role != "scroll" {
		t.Errorf("the first stop of the keyboard is %q", role)
	}
	if role, label := p.Role(".scroll"); role != "region" || label == "" {
		t.Errorf("a table's frame is a %s called %q", role, label)
	}
	if said := p.Complaints(); len(said) > 0 {
		t.Errorf("the browser says %q", said)
	}
}
