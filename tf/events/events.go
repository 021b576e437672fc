// Package events writes the files that TensorBoard shows.
package events

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
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
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/tfrecord"
)

// Writer writes an event file for TensorBoard. Its methods may be called
// from several goroutines. After a failed write every call returns its error.
type Writer struct {
	mu   sync.Mutex
	file durable.File
	path string
	buf  *bufio.Writer
	err  error // sticky
}

// prefix and a time make the name by which TensorBoard finds event files
// and orders them.
const prefix = "events.out.tfevents."

// NewWriter makes dir if it is missing and a new event file in it. next
// is the first step that this writer may write: what earlier files in dir hold
// of next and later steps, written before a crash and now repeated, TensorBoard
// drops. It is 0 in a new run, and S+1 in a run that goes on after step S.
func NewWriter(dir string, next int64) (*Writer, error) {
	return NewWriterOn(durable.OS{}, dir, next)
}

// NewWriterOn is NewWriter on a file system of the caller's.
func NewWriterOn(fs durable.FileSystem, dir string, next int64) (*Writer, error) {
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
	w := &Writer{file: f, path: path, buf: bufio.NewWriterSize(f, 1<<16)}
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
	entries, err := localfile.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), prefix)
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
	name := fmt.Sprintf("%s%010d.%s.%d.0", prefix, second, host, os.Getpid())
	return filepath.Join(dir, name), nil
}

// maxEventSecond is the last time of ten digits: longer ones sort elsewhere.
const maxEventSecond = 9_999_999_999

// tf.Scalar writes one number. Tags group at '/': "loss/perceptual".
func (w *Writer) Scalar(step int64, tag string, value float64) error {
	return w.summary(step, &summary.Summary_Value{
		Tag:   tag,
		Value: &summary.Summary_Value_SimpleValue{SimpleValue: float32(value)},
	})
}

// Image writes a picture, given as the bytes of a PNG file.
func (w *Writer) Image(step int64, tag string, encoded []byte) error {
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
func (w *Writer) Text(step int64, tag, markdown string) error {
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

func (w *Writer) summary(step int64, v *summary.Summary_Value) error {
	if v.Tag == "" {
		return errors.New("event file: the tag is empty")
	}
	return w.write(&event.Event{
		Step: step,
		What: &event.Event_Summary{Summary: &summary.Summary{Value: []*summary.Summary_Value{v}}},
	})
}

// write appends an event as a record.
func (w *Writer) write(e *event.Event) error {
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
	return w.keep(tfrecord.Write(w.buf, data))
}

// keep remembers the first error. The lock is held.
func (w *Writer) keep(err error) error {
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("event file: %w", err)
	}
	return w.err
}

// errClosed is the sticky error of a closed writer.
var errClosed = errors.New("event file: it is closed")

// Flush hands what was written to the operating system: readers see it.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flush()
}

func (w *Writer) flush() error {
	if w.err != nil {
		return w.err
	}
	return w.keep(w.buf.Flush())
}

// Sync flushes and waits until the disk has it.
func (w *Writer) Sync() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.flush(); err != nil {
		return err
	}
	return w.keep(w.file.Sync())
}

// Path returns the file's path.
func (w *Writer) Path() string { return w.path }

// Close flushes and closes the file. Closing twice is fine.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if errors.Is(w.err, errClosed) {
		return nil
	}
	err := errors.Join(w.flush(), w.file.Close())
	w.err = errClosed
	return err
}
