package reliability

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

// TestDeterminism tries what --deterministic promises, with the default
// networks, whose losses have enough terms for gradients to be added up in more
// than one order, in processes of their own and under load.
func TestDeterminism(t *testing.T) {
	defer forget()
	if long {
		defer burn()()
	}
	for threads := 1; threads <= 2; threads++ {
		keep(t,
			promise{fmt.Sprintf("two default runs with --deterministic are bit-equal, %d thread(s), under load", threads), alike(threads, defaults), threads - 1, 100},
			promise{fmt.Sprintf("two with --deterministic and the perceptual terms of vox-256 are bit-equal, %d thread(s), under load", threads), alike(threads, voxTerms), 0, 5},
		)
	}
}

// defaults are what makes the default run short, but for its steps.
var defaults = []string{
	"--preset=shapes-64", "--set=validation_steps=0", "--set=picture_steps=0", "--set=reconstruction_params.num_videos=1",
	"--set=checkpoint_steps=2", "--set=log_steps=1",
}

// voxTerms are the losses of vox-256, four scales of five layers each, on
// pictures that are just large enough for the smallest scale.
var voxTerms = append([]string{
	"--preset=vox-256", "--data=shapes", "--vgg19=random", "--set=frame_shape=[128,128,3]", "--set=id_sampling=false", "--set=batch_size=1",
	"--set=vgg19.width_divisor=16", "--set=kp_detector_params.block_expansion=8", "--set=kp_detector_params.max_features=32",
	"--set=generator_params.block_expansion=8", "--set=generator_params.max_features=32", "--set=num_bottleneck_blocks=2",
	"--set=dense_motion_params.block_expansion=8", "--set=dense_motion_params.max_features=32", "--set=discriminator_params.block_expansion=4",
}, defaults[1:]...)

// alike compares runs with the first of their kind, several at a time. Every
// tenth is killed behind its first checkpoint and goes on.
func alike(threads int, flags []string) func(t *testing.T, n int) int {
	const steps, atOnce = 4, 3
	return func(t *testing.T, n int) int {
		if n == 0 {
			t.Skip("only the long mode tries this")
		}
		flags := append([]string{"--deterministic", fmt.Sprintf("--steps=%d", steps),
			fmt.Sprintf("--set=inter_threads=%d", threads), fmt.Sprintf("--set=intra_threads=%d", threads)}, flags...)
		first := filepath.Join(t.TempDir(), "first")
		runOnce(t, first, false, flags)
		var all sync.WaitGroup
		places := make(chan struct{}, atOnce)
		for i := range n {
			places <- struct{}{}
			all.Add(1)
			go func() {
				defer func() { <-places; all.Done() }()
				dir := filepath.Join(t.TempDir(), "run")
				defer os.RemoveAll(dir)
				if runOnce(t, dir, i%10 == 9, flags) {
					equal(t, first, dir, steps)
				}
			}()
		}
		all.Wait()
		return n
	}
}

// runOnce runs the program to its end; one that is killed goes on.
func runOnce(t *testing.T, dir string, killed bool, flags []string) bool {
	flags = append([]string{"--out=" + dir}, flags...)
	if killed {
		p := clitest.New(t, "", flags...)
		if err := p.Start(); err != nil {
			failf(t, "%v", err)
			return false
		}
		ended := make(chan error, 1)
		go func() { ended <- p.Wait() }()
		if waitForRows(dir, 3, ended) {
			_ = p.Process.Kill()
			<-ended
		}
	}
	code, _, errs := clitest.Run(t, "", flags...)
	if code != 0 {
		failf(t, "it ends with %d\n%s", code, errs)
	}
	return code == 0
}

// burn keeps a processor busy, by fits and starts, until it is told to stop.
func burn() (stop func()) {
	quit := make(chan struct{})
	go func() {
		for x, i := 1.0, 0; ; i++ {
			select {
			case <-quit:
				return
			case <-time.After(time.Duration(i%7) * 5 * time.Millisecond):
			}
			for range 1 << (18 + i%5) {
				x = math.Sqrt(x + 1)
			}
		}
	}()
	return func() { close(quit) }
}
