package machine

import (
	"strings"
	"testing"
)

func TestNumerics(t *testing.T) {
	t.Setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
	was := Numerics()
	if was["ONEDNN_MAX_CPU_ISA"] != "AVX2" || was["processor"] == "" {
		t.Errorf("got %v", was)
	}
	if changed := NumericsChanged(was, Numerics()); changed != "" {
		t.Errorf("nothing has changed, but %s", changed)
	}
	t.Setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE")
	t.Setenv("XLA_FLAGS", "--x")
	const want = "ONEDNN_MAX_CPU_ISA was AVX2 and is AVX512_CORE; XLA_FLAGS was not set and is --x"
	if changed := NumericsChanged(was, Numerics()); !strings.Contains(changed, want) {
		t.Errorf("got %q, want %q", changed, want)
	}
}
