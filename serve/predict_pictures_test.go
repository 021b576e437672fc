package serve

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// chunk is one of a png.
func chunk(name string, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = append(append(b, name...), body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// deflated compresses so many zeros.
func deflated(zeros int) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	block := make([]byte, 1<<16)
	for ; zeros > 0; zeros -= len(block) {
		w.Write(block[:min(len(block), zeros)])
	}
	w.Close()
	return b.Bytes()
}

// overfull is a png of 64x64 pixels before so many megabytes of pixels more, and
// of text.
func overfull(megabytes int) []byte {
	whole := pngOf(64, 64)
	b := append([]byte{}, whole[:33]...) // magic number and header
	b = append(b, chunk("zTXt", append([]byte("Comment\x00\x00"), deflated(megabytes<<20)...))...)
	b = append(b, chunk("IDAT", deflated(64*(1+3*64)+megabytes<<20))...)
	return append(b, chunk("IEND", nil)...)
}

func predictBytes(files ...[]byte) string {
	var list []string
	for _, f := range files {
		list = append(list, `{"b64": "`+base64.StdEncoding.EncodeToString(f)+`"}`)
	}
	return `{"signature_name": "bytes", "instances": [` + strings.Join(list, ", ") + `]}`
}

// What TensorFlow gets of a small png with megabytes behind it is small.
func TestOverfullPicturesAreCut(t *testing.T) {
	const megabytes = 8
	var got []string
	s := start(t, Backend{Model: calculator{call: func(_ string, in map[string]*tensorflow.Tensor) (map[string]*tensorflow.Tensor, error) {
		got = in["picture_bytes"].Value().([]string)
		return calculator{}.Call("bytes", in)
	}}}, nil)
	if a := s.predict(predictBytes(overfull(megabytes))); a.status != http.StatusOK || len(got) != 1 {
		t.Fatalf("%d %.200s", a.status, a.body)
	}
	var kinds []string
	pixels := 0
	for rest := []byte(got[0][8:]); len(rest) > 0; {
		n := binary.BigEndian.Uint32(rest)
		kinds = append(kinds, string(rest[4:8]))
		if kinds[len(kinds)-1] == "IDAT" {
			r, err := zlib.NewReader(bytes.NewReader(rest[8 : 8+n]))
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if _, err := out.ReadFrom(r); err != nil {
				t.Fatal(err)
			}
			pixels += out.Len()
		}
		rest = rest[12+n:]
	}
	if want := 64 * (1 + 3*64); pixels != want || fmt.Sprint(kinds) != "[IHDR IDAT IEND]" {
		t.Errorf("chunks %v with %d bytes of pixels, want %d", kinds, pixels, want)
	}
}

// Pictures that are allowed one by one may be too many together.
func TestPixelsOfARequestAreBounded(t *testing.T) {
	calls := 0
	s := start(t, Backend{Model: calculator{call: func(_ string, in map[string]*tensorflow.Tensor) (map[string]*tensorflow.Tensor, error) {
		calls++
		return calculator{}.Call("bytes", in)
	}}}, func(o *Options) { o.MaxPixels, o.MaxRequestPixels = 100*100, 3*100*100 })
	picture := pngOf(100, 100)
	if a := s.predict(predictBytes(picture, picture, picture)); a.status != http.StatusOK || calls != 1 {
		t.Errorf("three: %d %.200s, %d calls", a.status, a.body, calls)
	}
	a := s.predict(predictBytes(picture, picture, picture, picture))
	if a.status != http.StatusBadRequest || !strings.Contains(a.error(), "more than 30000 pixels together") || calls != 1 {
		t.Errorf("four: %d %s, %d calls", a.status, a.error(), calls)
	}
}

// Large pictures are computed in pieces, whose answers join, and what is left is
// dropped when the client goes.
func TestWorkIsDroppedBetweenPieces(t *testing.T) {
	large := pngOf(2048, 2048)
	called := make(chan int, 8)
	wait := make(chan struct{})
	s := start(t, Backend{Model: calculator{call: func(_ string, in map[string]*tensorflow.Tensor) (map[string]*tensorflow.Tensor, error) {
		called <- len(in["picture_bytes"].Value().([]string))
		<-wait
		return calculator{}.Call("bytes", in)
	}}}, nil)
	small := pngOf(3, 2)
	body := predictBytes(large, small, large)

	ctx, leave := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/models/prioritycut:predict", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() {
		_, err := http.DefaultClient.Do(r)
		gone <- err
	}()
	if n := within(t, called, "the first call"); n != 1 {
		t.Errorf("%d pictures in the first piece", n)
	}
	leave()
	if err := within(t, gone, "the client's end"); err == nil {
		t.Error("the client that left got an answer")
	}
	waitFor(t, "the server knows", func() bool { return s.metric("prioritycut_http_requests_in_flight") != "absent" })
	close(wait)
	waitFor(t, "the request ends", func() bool {
		return s.metric(`prioritycut_http_requests_total{code="499",route="predict"}`) == "1"
	})
	if n := len(called); n > 0 {
		t.Errorf("%d more calls for a client that has gone", n)
	}

	a := s.predict(body)
	var got struct {
		Predictions []struct {
			Size int
			Copy struct{ B64 []byte } `json:"copy_bytes"`
		}
	}
	if err := jsonOf(a, &got); err != nil || len(got.Predictions) != 3 || len(called) != 3 {
		t.Fatalf("%d %.200s, %v, %d calls", a.status, a.body, err, len(called))
	}
	for i, want := range [][]byte{large, small, large} {
		if p := got.Predictions[i]; p.Size != len(want) || !bytes.Equal(p.Copy.B64, want) {
			t.Errorf("example %d: %d bytes, want %d", i, p.Size, len(want))
		}
	}
}
