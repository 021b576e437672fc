package dataset

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"
)

// everyColour is the picture of all 2^24 colours, blue fastest.
func everyColour() []byte {
	pix := make([]byte, 3<<24)
	for i := 0; i < 1<<24; i++ {
		pix[3*i], pix[3*i+1], pix[3*i+2] = byte(i>>16), byte(i>>8), byte(i)
	}
	return pix
}

// The sums are of what Pillow 13.0.0 makes of the same picture: each colour
// comes out the same, bit for bit.
func TestJitterAgreesWithPillowOnEveryColour(t *testing.T) {
	colours := everyColour()
	pix := make([]byte, len(colours))
	check := func(what string, change func(pix []byte), want string) {
		t.Helper()
		copy(pix, colours)
		change(pix)
		if got := fmt.Sprintf("%x", sha256.Sum256(pix)); got != want {
			t.Errorf("%s: the sum of all colours is %s, Pillow's is %s", what, got, want)
		}
	}
	check("to HSV", func(pix []byte) {
		for i := 0; i < len(pix); i += 3 {
			pix[i], pix[i+1], pix[i+2] = hueTables().toHSV(pix[i], pix[i+1], pix[i+2])
		}
	}, "21b59822901a4f6c8c1eb99c91c22061542a3832d3e257dff997caab79bc666e")
	check("from HSV", func(pix []byte) {
		for i := 0; i < len(pix); i += 3 {
			pix[i], pix[i+1], pix[i+2] = hueTables().fromHSV(pix[i], pix[i+1], pix[i+2])
		}
	}, "1d9c2d26d34e85a68dec9d8d87ce0fdcce636d7b8eaec88f7baad6b85cdf4b3b")
	for _, c := range []struct {
		change func([]byte, float64)
		name   string
		factor float64
		want   string
	}{
		{brightness, "brightness", 0.93, "5a5dee2e7952b2497376a94f62f8fed43c3f04dcfd435e9f188145e1569c1367"},
		{brightness, "brightness", 1.08, "b3f87644e3cd2e13dd1371118c910a14453ea2b641d387e4205c320771c51986"},
		{contrast, "contrast", 0.9123, "cbb4a04f2c82259e8f9a269486095e3f02e2fef396c2b87188fd1362585ddda8"},
		{contrast, "contrast", 1.0771, "89b7451f9c753407fc9ebeb9100c48efd912674eeb7b308eb17a14a311e8c719"},
		{saturation, "saturation", 0.905, "6f1a1da7123373c35d14a335ebf42989b542f532277e0f45f88a13b2e1765825"},
		{saturation, "saturation", 1.0999, "ad3527356740760813b0715b842c08d03b7b5ff60e934cefb36d885c7151e0b3"},
		{shiftHue, "hue", -0.0999, "02e28d28d6cce01c2f416388ba141dc25db8598aac53d6122c0404b45c927e27"},
		{shiftHue, "hue", 0.001, "117f7237e5d272e10db1172e862e82389e9329a68811e5b66d5cb576cd276c57"},
	} {
		check(fmt.Sprintf("%s %v", c.name, c.factor), func(pix []byte) { c.change(pix, c.factor) }, c.want)
	}
}

func TestJitterOrderMatters(t *testing.T) {
	make := func(order [4]uint8) []byte {
		pix := bytes.Clone(everyColour()[3<<20 : 3<<20+3000])
		it := Item{Brightness: 1.1, Contrast: 0.9, Saturation: 1.1, Hue: 0.1, JitterOrder: order}
		it.jitter(pix)
		return pix
	}
	pix := bytes.Clone(everyColour()[3<<20 : 3<<20+3000])
	shiftHue(pix, 0.1)
	contrast(pix, 0.9)
	brightness(pix, 1.1)
	saturation(pix, 1.1)
	if !bytes.Equal(pix, make([4]uint8{3, 1, 0, 2})) {
		t.Error("the order hue, contrast, brightness, saturation is not kept")
	}
	if bytes.Equal(pix, make([4]uint8{0, 1, 2, 3})) {
		t.Error("the order changes nothing")
	}
}

func TestNeutralJitterKeepsPictures(t *testing.T) {
	want := everyColour()[: 3<<16 : 3<<16]
	got := bytes.Clone(want)
	it := Item{Brightness: 1, Contrast: 1, Saturation: 1, JitterOrder: [4]uint8{0, 1, 2, 3}}
	it.jitter(got)
	if !bytes.Equal(got, want) {
		t.Error("neutral factors change a picture")
	}
}

func BenchmarkHue256(b *testing.B) {
	pix := everyColour()[: 3<<16 : 3<<16]
	for i := 0; i < b.N; i++ {
		shiftHue(pix, 0.05)
	}
}
