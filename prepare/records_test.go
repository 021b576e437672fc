package prepare

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/pypartner"
	"github.com/prioritycut/prioritycut/video"
)

const recordWriter = `
import os, sys, numpy as np, tensorflow as tf
def record(seed, n=30):
    f = {}
    for i in range(n):
        for camera in ("aux1", "main"):
            a = np.zeros((64, 64, 3), np.uint8)
            a[:, :, 0] = np.arange(64)[None] * 3
            a[:, :, 1] = seed * 20 + (100 if camera == "main" else 0)
            a[i:i + 16, 20:36, 2] = 255
            f["%d/image_%s/encoded" % (i, camera)] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[a.tobytes()]))
        f["%d/action" % i] = tf.train.Feature(float_list=tf.train.FloatList(value=[0, 0, 0, 0]))
        f["%d/endeffector_pos" % i] = tf.train.Feature(float_list=tf.train.FloatList(value=[0, 0, 0]))
    return tf.train.Example(features=tf.train.Features(feature=f)).SerializeToString()
for side, name, seeds in (("train", "traj_0_to_2", (0, 1, 2)), ("test", "traj_0_to_1", (3, 4))):
    os.makedirs(os.path.join(sys.argv[1], side))
    with tf.io.TFRecordWriter(os.path.join(sys.argv[1], side, name + ".tfrecords")) as w:
        for s in seeds:
            w.write(record(s))
        if side == "train":
            w.write(record(9, 0))
`

// Files that TensorFlow wrote in the layout of the robot pushing set become
// folders of pictures with its pixels; a damaged record is named.
func TestRecords(t *testing.T) {
	in := filepath.Join(t.TempDir(), "softmotion30_44k")
	if out, err := exec.Command(pypartner.Python(t), "-c", recordWriter, in).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	path := filepath.Join(in, train, "traj_0_to_2.tfrecords")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1 // in the second of three
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	o := options(in, out)
	o.Size, o.MinFrames, o.Camera = 64, 24, "main"
	r := mustRun(t, o)
	if r.Train.Clips != 2 || r.Test.Clips != 2 || r.Train.Frames != 60 || r.Faults != 2 {
		t.Fatalf("%+v", r)
	}
	var reasons string
	for _, row := range r.Clips(StatusUnreadable) {
		reasons += row.Reason + "\n"
	}
	if !strings.Contains(reasons, "record 1, at byte") || !strings.Contains(reasons, "record 3: it has no feature 0/image_main/encoded") {
		t.Errorf("%s", reasons)
	}
	f, err := video.ReadPicture(filepath.Join(out, test, "traj_0_to_1#traj_0_to_1#000001#000002", "0000007.png"), video.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for y := 0; y < 64; y++ {
		for x := 0; x < 64; x++ {
			want := [3]byte{byte(3 * x), 4*20 + 100, 0}
			if y >= 7 && y < 23 && x >= 20 && x < 36 {
				want[2] = 255
			}
			if got := [3]byte(f.Pix[3*(64*y+x):]); got != want {
				t.Fatalf("pixel (%d, %d) is %v, want %v", x, y, got, want)
			}
		}
	}
}
