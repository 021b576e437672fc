package shapes

import "testing"

// BenchmarkFrame draws frames of the default size with their truth.
func BenchmarkFrame(b *testing.B) {
	set, err := New(DefaultOptions())
	if err != nil {
		b.Fatal(err)
	}
	v, err := set.Video(Train, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		if _, _, err := v.Draw(i % v.Len()); err != nil {
			b.Fatal(err)
		}
	}
}
