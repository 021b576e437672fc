package robot

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/prioritycut/prioritycut/prepare/preparetest"
	"github.com/prioritycut/prioritycut/video"
)

// A png whose length happens to be that of a square of raw pixels is a png,
// and raw pixels that begin like one are pixels.
func TestRawOrEncoded(t *testing.T) {
	f := preparetest.Scenery(1, 20, 20)
	var png bytes.Buffer
	if err := video.EncodePNG(&png, f); err != nil {
		t.Fatal(err)
	}
	side := 1
	for 3*side*side < png.Len() {
		side++
	}
	padded := append(png.Bytes(), make([]byte, 3*side*side-png.Len())...)
	got, err := rawFrame(padded, video.DefaultLimits)
	if err != nil || got.W != 20 || !bytes.Equal(got.Pix, f.Pix) {
		t.Errorf("%+v, %v", got, err)
	}
	raw := append([]byte("\xff\xd8\xff"), make([]byte, 3*8*8-3)...)
	if got, err := rawFrame(raw, video.DefaultLimits); err != nil || got.W != 8 || !bytes.Equal(got.Pix, raw) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := rawFrame(make([]byte, 50), video.DefaultLimits); err == nil || !strings.Contains(err.Error(), "neither") {
		t.Errorf("%v", err)
	}
}

// The pictures of one record are bounded together, not only each.
func TestHugeRecord(t *testing.T) {
	field := func(number protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
	}
	var features []byte
	for i := 0; i < 5; i++ {
		key := field(1, []byte(fmt.Sprintf("%d/image_aux1/encoded", i)))
		value := field(2, field(1, field(1, make([]byte, 3*16*16))))
		features = append(features, field(1, append(key, value...))...)
	}
	limits := video.DefaultLimits
	for most, want := range map[int64]string{16 * 16 * 5: "", 16*16*5 - 1: "feature 4/image_aux1/encoded have more than 1279 pixels"} {
		limits.MaxPixels = most
		frames, err := Trajectory(field(1, features), "aux1", limits)
		if want == "" && (err != nil || len(frames) != 5) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("at most %d: %d frames, %v", most, len(frames), err)
		}
	}
}
