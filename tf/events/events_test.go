package events

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	event "github.com/wamuir/graft/tensorflow/core/util/event_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/internal/pypartner"
)

// slowCRC32C is the definition: bit by bit, polynomial 0x1edc6f41 reflected.
func slowCRC32C(data []byte) uint32 {
	sum := ^uint32(0)
	for _, b := range data {
		sum ^= uint32(b)
		for range 8 {
			odd := sum & 1
			sum >>= 1
			if odd == 1 {
				sum ^= 0x82f63b78
			}
		}
	}
	return ^sum
}

func slowMasked(data []byte) uint32 {
	sum := uint64(slowCRC32C(data))
	turned := (sum >> 15) | (sum << 17 & 0xffffffff)
	return uint32((turned + 0xa282ead8) % (1 << 32))
}

// readRecords takes a record file apart and checks its checksums.
func readRecords(t *testing.T, path string) []*event.Event {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var events []*event.Event
	for len(file) > 0 {
		n := binary.LittleEndian.Uint64(file)
		if got, want := binary.LittleEndian.Uint32(file[8:]), slowMasked(file[:8]); got != want {
			t.Fatalf("length's checksum is %08x, want %08x", got, want)
		}
		data := file[12:][:n]
		if got, want := binary.LittleEndian.Uint32(file[12+n:]), slowMasked(data); got != want {
			t.Fatalf("checksum is %08x, want %08x", got, want)
		}
		e := &event.Event{}
		if err := proto.Unmarshal(data, e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
		file = file[16+n:]
	}
	return events
}

func encodedPicture(t *testing.T, w, h int) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	m.Set(1, 1, color.White)
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func newEvents(t *testing.T, dir string, next int64) *Writer {
	t.Helper()
	w, err := NewWriter(dir, next)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func noError(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestEventRecords(t *testing.T) {
	if got := slowCRC32C([]byte("123456789")); got != 0xe3069283 { // the published check value
		t.Fatalf("the test's own checksum is wrong: %08x", got)
	}
	w := newEvents(t, filepath.Join(t.TempDir(), "a", "events"), 5)
	noError(t, w.Scalar(5, "loss/a", 0.25), w.Scalar(6, "loss/a", math.NaN()), w.Text(5, "config", "x"), w.Sync())
	events := readRecords(t, w.Path())
	if len(events) != 5 || events[0].GetFileVersion() != "brain.Event:2" {
		t.Fatalf("%d events: %v", len(events), events)
	}
	if s := events[1]; s.Step != 5 || s.GetSessionLog().GetStatus() != event.SessionLog_START {
		t.Errorf("second event %v", s)
	}
	if v := events[2].GetSummary().GetValue()[0]; events[2].Step != 5 || v.Tag != "loss/a" || v.GetSimpleValue() != 0.25 {
		t.Errorf("third event %v", events[2])
	}
	if v := events[3].GetSummary().GetValue()[0].GetSimpleValue(); v == v {
		t.Errorf("NaN became %v", v)
	}
	for _, e := range events {
		if e.WallTime < 1.6e9 {
			t.Errorf("wall time %v", e.WallTime)
		}
	}
}

func TestEventWriterRefuses(t *testing.T) {
	dir := t.TempDir()
	w := newEvents(t, dir, 0)
	if err := w.Image(0, "picture", []byte("no PNG")); err == nil || !strings.Contains(err.Error(), `picture "picture"`) {
		t.Errorf("bad picture: %v", err)
	}
	if err := w.Text(0, "text", "\xff"); err != nil {
		t.Errorf("bytes are allowed in text: %v", err)
	}
	if err := w.Scalar(0, "tag\xff", 0); err == nil {
		t.Error("a tag that is no UTF-8 was written")
	}
	if err := w.Scalar(0, "", 0); err == nil {
		t.Error("an empty tag was written")
	}
	noError(t, w.Scalar(0, "still works", 1), w.Close(), w.Close())
	if err := w.Scalar(1, "late", 1); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("after Close: %v", err)
	}
	if _, err := NewWriter(dir, -1); err == nil {
		t.Error("negative step")
	}
	if _, err := NewWriter(w.Path(), 0); err == nil {
		t.Error("a file as folder")
	}
}

// readEvents is TensorBoard's own reader, without the seconds that importing
// TensorFlow takes it.
const readEvents = `
import json, sys, types
sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")
from tensorboard.backend.event_processing import event_accumulator
a = event_accumulator.EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0, "tensors": 0})
a.Reload()
tags = a.Tags()
json.dump({
    "scalars": {t: [[e.step, e.value] for e in a.Scalars(t)] for t in tags["scalars"]},
    "images": {t: [[e.step, e.width, e.height, len(e.encoded_image_string)] for e in a.Images(t)] for t in tags["images"]},
    "text": {t: [[e.step, e.tensor_proto.string_val[0].decode()] for e in a.Tensors(t)] for t in tags["tensors"]},
    "plugin": {t: a.SummaryMetadata(t).plugin_data.plugin_name for t in tags["tensors"]},
}, sys.stdout)
`

// Three processes write one run: the second goes on after step 2, so that step
// 3 of the first is superseded; the third goes on after step 4.
func TestTensorBoardReadsResumedRuns(t *testing.T) {
	dir := t.TempDir()
	picture := encodedPicture(t, 7, 5)
	first := newEvents(t, dir, 0)
	noError(t, first.Text(0, "config", "preset: shapes-64"))
	for step := range int64(4) {
		noError(t, first.Scalar(step, "loss", float64(step)/2), first.Image(step, "grid", picture))
	}
	noError(t, first.Flush()) // and never closed: killed
	second := newEvents(t, dir, 3)
	noError(t, second.Scalar(3, "loss", 30), second.Scalar(4, "loss", 40), second.Close())
	third := newEvents(t, dir, 5)
	noError(t, third.Scalar(5, "loss", 50), third.Image(5, "grid", picture), third.Close())
	if !(first.Path() < second.Path() && second.Path() < third.Path()) {
		t.Errorf("files do not sort: %s, %s, %s", first.Path(), second.Path(), third.Path())
	}

	cmd := exec.Command(pypartner.Python(t), "-c", readEvents, dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	type row = []any
	var got, want map[string]map[string]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	size := float64(len(picture))
	want = map[string]map[string]any{
		"scalars": {"loss": row{row{0., 0.}, row{1., 0.5}, row{2., 1.}, row{3., 30.}, row{4., 40.}, row{5., 50.}}},
		"images":  {"grid": row{row{0., 7., 5., size}, row{1., 7., 5., size}, row{2., 7., 5., size}, row{5., 7., 5., size}}},
		"text":    {"config": row{row{0., "preset: shapes-64"}}},
		"plugin":  {"config": "text"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("TensorBoard reads (-want +got):\n%s", d)
	}
}

// TestEventsAfterAClockThatWasWrong begins a file where the clock once stood
// years ahead: TensorBoard, which reads by name and never goes back, finds it.
func TestEventsAfterAClockThatWasWrong(t *testing.T) {
	dir := t.TempDir()
	ahead := filepath.Join(dir, fmt.Sprintf("%s%010d.host.1.0", prefix, time.Now().AddDate(7, 0, 0).Unix()))
	if err := os.WriteFile(ahead, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w, err := NewWriter(dir, 5)
		if err != nil {
			t.Fatal(err)
		}
		if w.Path() <= ahead {
			t.Errorf("%s sorts before %s", w.Path(), ahead)
		}
		ahead = w.Path()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
