package dataset

import (
	"context"
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/video"
)

// pictures writes folders of textured 256x256 frames.
func pictures(b *testing.B, ext string) string {
	root := b.TempDir()
	r := random.New(1)
	coarse := video.NewFrame(40, 40)
	for i := range coarse.Pix {
		coarse.Pix[i] = byte(r.Uniform(0, 255))
	}
	f, err := video.Stretch.Apply(coarse, 256, 256)
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"train/a", "train/b", "train/c", "train/d", "test/e"} {
		dir := filepath.Join(root, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			b.Fatal(err)
		}
		for i := 0; i < 4; i++ {
			path := filepath.Join(dir, fmt.Sprintf("%03d.%s", i, ext))
			if ext == "png" {
				err = video.WritePNG(path, f)
			} else {
				err = writeJPEG(path, f)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	return root
}

func writeJPEG(path string, f *video.Frame) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	return jpeg.Encode(out, f.Image(), &jpeg.Options{Quality: 92})
}

// BenchmarkStep takes batches of 4 with all augmentations of the vox preset,
// nothing kept in memory, at steps of 300 ms: waited-% is what of the steps was
// spent waiting for data.
func BenchmarkStep(b *testing.B) {
	for _, ext := range []string{"jpg", "png"} {
		root := pictures(b, ext)
		for _, side := range []int{64, 256} {
			b.Run(fmt.Sprintf("%s/%d", ext, side), func(b *testing.B) {
				p := DefaultParams()
				p.RootDir, p.FrameShape, p.MemoryMB = root, [3]int{side, side, 3}, 0
				p.AugmentationParams.JitterParam = JitterParam{0.1, 0.1, 0.1, 0.1}
				p.AugmentationParams.FlipParam = FlipParam{true, true}
				d := open(b, p)
				ahead := loader(b, d, LoaderParams{BatchSize: 4, NumRepeats: 10}).Prefetch(context.Background(), 0)
				defer ahead.Close()
				for i := 0; i <= p.Prefetch; i++ { // the first are waited for
					if _, err := ahead.Next(); err != nil {
						b.Fatal(err)
					}
				}
				before := ahead.Waited()
				b.ResetTimer()
				for i := 0; i < b.N; i++ {
					time.Sleep(300 * time.Millisecond)
					if _, err := ahead.Next(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(100*float64(ahead.Waited()-before)/float64(b.Elapsed()), "waited-%")
			})
		}
	}
}
