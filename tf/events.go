package tf

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	summary "github.com/wamuir/graft/tensorflow/core/framework/summary_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	shapepb "github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	types "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	event "github.com/wamuir/graft/tensorflow/core/util/event_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/internal/durable"
)

// EventWriter writes an event file for TensorBoard. Its methods may be called
// from several goroutines. After a failed write every call returns its error.
type EventWriter struct {
	mu   sync.Mutex
	file durable.File
	path string
	buf  *bufio.Writer
	err  error // sticky
}

// eventPrefix and a time make the name by which TensorBoard finds event files
// and orders them.
const eventPrefix = "events.out.tfevents."

// NewEventWriter makes dir if it is missing and a new event file in it. next
// is the first step that this writer may write: what earlier files in dir hold
// of next and later steps, written before a crash and now repeated, TensorBoard
// drops. It is 0 in a new run, and S+1 in a run that goes on after step S.
func NewEventWriter(dir string, next int64) (*EventWriter, error) {
	return NewEventWriterOn(durable.OS{}, dir, next)
}

// NewEventWriterOn is NewEventWriter on a file system of the caller's.
func NewEventWriterOn(fs durable.FileSystem, dir string, next int64) (*EventWriter, error) {
	if next < 0 {
		return nil, fmt.Errorf("event file in %s: the next step is %d", dir, next)
	}
	if err := fs.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("event file: %w", err)
	}
	path, err := eventFile(dir)
	if err != nil {
		return nil, fmt.Errorf("event file: %w", err)
	}
	f, err := fs.Create(path)
	if err != nil {
		return nil, fmt.Errorf("event file: %w", err)
	}
	w := &EventWriter{file: f, path: path, buf: bufio.NewWriterSize(f, 1<<16)}
	w.write(&event.Event{What: &event.Event_FileVersion{FileVersion: "brain.Event:2"}})
	w.write(&event.Event{Step: next, What: &event.Event_SessionLog{SessionLog: &event.SessionLog{Status: event.SessionLog_START}}})
	if err := w.Flush(); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// eventFile is a new name that sorts behind those in dir: TensorBoard reads
// files in that order and never goes back.
func eventFile(dir string) (string, error) {
	second := time.Now().Unix()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), eventPrefix)
		if !ok {
			continue
		}
		digits, _, _ := strings.Cut(rest, ".")
		if t, err := strconv.ParseInt(digits, 10, 64); err == nil && t >= second && t < maxEventSecond {
			second = t + 1
		}
	}
	host, err := os.Hostname()
	if err != nil || strings.ContainsAny(host, "/\x00") {
		host = "localhost"
	}
	name := fmt.Sprintf("%s%010d.%s.%d.0", eventPrefix, second, host, os.Getpid())
	return filepath.Join(dir, name), nil
}

// maxEventSecond is the last time of ten digits: longer ones sort elsewhere.
const maxEventSecond = 9_999_999_999

// Scalar writes one number. Tags group at '/': "loss/perceptual".
func (w *EventWriter) Scalar(step int64, tag string, value float64) error {
	return w.summary(step, &summary.Summary_Value{
		Tag:   tag,
		Value: &summary.Summary_Value_SimpleValue{SimpleValue: float32(value)},
	})
}

// Image writes a picture, given as the bytes of a PNG file.
func (w *EventWriter) Image(step int64, tag string, encoded []byte) error {
	c, err := png.DecodeConfig(bytes.NewReader(encoded))
	if err != nil {
		return fmt.Errorf("event file: picture %q: %w", tag, err)
	}
	return w.summary(step, &summary.Summary_Value{
		Tag: tag,
		Value: &summary.Summary_Value_Image{Image: &summary.Summary_Image{
			Height: int32(c.Height), Width: int32(c.Width), Colorspace: 3, EncodedImageString: encoded,
		}},
	})
}

// Text writes text, which TensorBoard shows as Markdown.
func (w *EventWriter) Text(step int64, tag, markdown string) error {
	return w.summary(step, &summary.Summary_Value{
		Tag: tag,
		Metadata: &summary.SummaryMetadata{
			PluginData: &summary.SummaryMetadata_PluginData{PluginName: "text"},
			DataClass:  summary.DataClass_DATA_CLASS_TENSOR,
		},
		Value: &summary.Summary_Value_Tensor{Tensor: &tensorpb.TensorProto{
			Dtype:       types.DataType_DT_STRING,
			TensorShape: &shapepb.TensorShapeProto{Dim: []*shapepb.TensorShapeProto_Dim{{Size: 1}}},
			StringVal:   [][]byte{[]byte(markdown)},
		}},
	})
}

func (w *EventWriter) summary(step int64, v *summary.Summary_Value) error {
	if v.Tag == "" {
		return errors.New("event file: the tag is empty")
	}
	return w.write(&event.Event{
		Step: step,
		What: &event.Event_Summary{Summary: &summary.Summary{Value: []*summary.Summary_Value{v}}},
	})
}

// write appends an event as a record.
func (w *EventWriter) write(e *event.Event) error {
	e.WallTime = float64(time.Now().UnixNano()) / 1e9
	data, err := proto.Marshal(e)
	if err != nil {
		return fmt.Errorf("event file: %w", err) // text that is no UTF-8
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	return w.keep(writeRecord(w.buf, data))
}

// writeRecord frames data: its length, that length's checksum, data, and the
// checksum of data.
func writeRecord(w *bufio.Writer, data []byte) error {
	var head [12]byte
	binary.LittleEndian.PutUint64(head[:8], uint64(len(data)))
	binary.LittleEndian.PutUint32(head[8:], maskedChecksum(head[:8]))
	var tail [4]byte
	binary.LittleEndian.PutUint32(tail[:], maskedChecksum(data))
	for _, part := range [][]byte{head[:], data, tail[:]} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// maskedChecksum is the CRC-32C as record files store it: turned by 15 bits
// and offset, since checksums of data that hold checksums are weak.
func maskedChecksum(b []byte) uint32 {
	sum := crc32.Checksum(b, castagnoli)
	return (sum>>15 | sum<<17) + 0xa282ead8
}

// keep remembers the first error. The lock is held.
func (w *EventWriter) keep(err error) error {
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("event file: %w", err)
	}
	return w.err
}

// errEventsClosed is the sticky error of a closed writer.
var errEventsClosed = errors.New("event file: it is closed")

// Flush hands what was written to the operating system: readers see it.
func (w *EventWriter) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flush()
}

func (w *EventWriter) flush() error {
	if w.err != nil {
		return w.err
	}
	return w.keep(w.buf.Flush())
}

// Sync flushes and waits until the disk has it.
func (w *EventWriter) Sync() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.flush(); err != nil {
		return err
	}
	return w.keep(w.file.Sync())
}

// Path returns the file's path.
func (w *EventWriter) Path() string { return w.path }

// Close flushes and closes the file. Closing twice is fine.
func (w *EventWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if errors.Is(w.err, errEventsClosed) {
		return nil
	}
	err := errors.Join(w.flush(), w.file.Close())
	w.err = errEventsClosed
	return err
}
