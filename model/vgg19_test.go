package model

import (
	"fmt"
	"strings"
	"testing"
)

func TestVGGLayers(t *testing.T) {
	var got []string
	for _, l := range VGGLayers(1) {
		got = append(got, fmt.Sprintf("%d:%d-%d", l.Index, l.In, l.Out))
	}
	want := "0:3-64 2:64-64 5:64-128 7:128-128 10:128-256 12:256-256 14:256-256 16:256-256 " +
		"19:256-512 21:512-512 23:512-512 25:512-512 28:512-512"
	if strings.Join(got, " ") != want {
		t.Errorf("layers are %v, want %s", got, want)
	}
	for _, l := range VGGLayers(1000) {
		if l.Out != 1 {
			t.Errorf("layer %d has %d channels", l.Index, l.Out)
		}
	}
}
