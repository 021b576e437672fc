package weights

import (
	"slices"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/npz"
)

// TestVGG19OfTimm reads what testdata/make_timm.py had timm write.
func TestVGG19OfTimm(t *testing.T) {
	widths := [5]int64{2, 4, 8, 16, 16}
	expected, err := npz.Open("testdata/timm.npz")
	if err != nil {
		t.Fatal(err)
	}
	defer expected.Close()
	for tree, file := range map[string]string{"vgg19": "timm-vgg19.pth", "features": "timm-features.safetensors"} {
		convs, err := VGG19(open(t, "testdata/"+file), widths)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		for _, i := range []int{0, 12} {
			want, err := expected.Array(tree + ":" + convs[i].Name)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := convs[i].Weight.Float32s(); err != nil || !slices.Equal(got, want.Float32s()) {
				t.Errorf("%s: %s differs (%v)", file, convs[i].Name, err)
			}
		}
	}
	if _, err := VGG19(open(t, "testdata/timm-vgg19-bn.pth"), widths); err == nil || !strings.Contains(err.Error(), "batch normalisation") {
		t.Errorf("the variant with batch normalisation: %v", err)
	}
}
