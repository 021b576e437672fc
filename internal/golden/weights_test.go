package golden

import "testing"

func TestWeightName(t *testing.T) {
	f, err := Load(WeightsFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ variable, network, want string }{
		{"generator.first.conv.weight", "disc_ms", "generator.first.conv.weight"},
		{"discriminator.discs.1.conv.bias", "disc_ms", "disc_ms.discs.1.conv.bias"},
		{"discriminator.conv_dec.weight_u", "unet", "unet.conv_dec.weight_u"},
		{"vgg.features.0.weight", "", "vgg.slice1.0.weight"},
		{"vgg.features.2.bias", "", "vgg.slice2.2.bias"},
		{"vgg.features.7.bias", "", "vgg.slice3.7.bias"},
		{"vgg.features.19.weight", "", "vgg.slice4.19.weight"},
		{"vgg.features.28.weight", "", "vgg.slice5.28.weight"},
	} {
		got := WeightName(c.variable, c.network)
		if got != c.want {
			t.Errorf("%s of %q is called %s, want %s", c.variable, c.network, got, c.want)
		}
		if _, err := f.Array(got); err != nil {
			t.Error(err)
		}
	}
}

func TestWeight(t *testing.T) {
	bias := Array{Shape: []int{2}, Data: []float64{1, 2}}
	if got := bias.Weight(); len(got.Shape) != 1 || got.Data[1] != 2 {
		t.Errorf("a bias became %v", got)
	}
	kernel := Array{Shape: []int{2, 1, 1, 2}, Data: []float64{1, 2, 3, 4}}
	got := kernel.Weight()
	if want := []float64{1, 3, 2, 4}; len(got.Data) != 4 || got.Data[1] != want[1] || got.Data[2] != want[2] {
		t.Errorf("a kernel became %v, want %v", got.Data, want)
	}
}
