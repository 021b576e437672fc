package main

import (
	"strings"
	"testing"
)

// TestForms reads pairs of each form of a small video. Of the cache the size is
// known: it holds three bytes a pixel.
func TestForms(t *testing.T) {
	frames, err := draw(32, 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range forms {
		spent, bytes, err := f.measure(frames, 2)
		if err != nil || spent <= 0 || bytes <= 0 {
			t.Errorf("%s: %v, %d bytes, %v", f.name, spent, bytes, err)
		}
		raw := int64(5 * 32 * 32 * 3)
		if f.cached != (bytes >= raw) || bytes > raw+1000 {
			t.Errorf("%s: %d bytes, decoded they are %d", f.name, bytes, raw)
		}
	}
	var out strings.Builder
	if err := run(&out, 32, 5, 0); err == nil {
		t.Error("no pairs are measured")
	}
	if err := run(&out, 32, 5, 1); err != nil || strings.Count(out.String(), "\n") != 2+len(forms) {
		t.Errorf("%v:\n%s", err, &out)
	}
}
