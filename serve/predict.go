package serve

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/golang/glog"
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/serve/predict"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// modelPath is what a path below /v1/models/ asks for.
type modelPath struct {
	verb     string // after ':', empty without
	metadata bool
}

// modelPath reads NAME[/versions/V][/metadata][:VERB].
func (s *Server) modelPath(r *http.Request) (p modelPath, err error) {
	path, verb, _ := strings.Cut(r.PathValue("path"), ":")
	p.verb = verb
	if rest, ok := strings.CutSuffix(path, "/metadata"); ok && verb == "" {
		path, p.metadata = rest, true
	}
	name, version, versioned := strings.Cut(path, "/versions/")
	if name != s.options.Name {
		return p, failf(http.StatusNotFound, "the model %.100q is not served here, only %q", name, s.options.Name)
	}
	if versioned && version != strconv.FormatInt(s.options.Version, 10) {
		return p, failf(http.StatusNotFound, "version %.20q of %q is not served here, only %d", version, name, s.options.Version)
	}
	return p, nil
}

// predict answers POST /v1/models/NAME[/versions/V]:predict.
func (s *Server) predict(w http.ResponseWriter, r *http.Request) error {
	path, err := s.modelPath(r)
	if err != nil {
		return err
	}
	if path.verb != "predict" {
		return failf(http.StatusNotFound, "post to /v1/models/%s:predict", s.options.Name)
	}
	if err := wantJSON(r); err != nil {
		return err
	}
	if s.stopping.Load() {
		s.metrics.refused.WithLabelValues("stopping").Inc()
		return errStops()
	}
	if err := s.turns.open(); err != nil {
		s.metrics.refused.WithLabelValues("predict_queue").Inc()
		return err
	}
	if r.ContentLength > s.options.MaxBody {
		return failf(http.StatusRequestEntityTooLarge, "the request has %d bytes, the limit is %d", r.ContentLength, s.options.MaxBody)
	}
	var seat *seat
	defer func() { seat.leave() }()
	body, err := io.ReadAll(&lateTaker{Reader: http.MaxBytesReader(w, r.Body, s.options.MaxBody), take: func() (err error) {
		seat, err = s.turns.enter(bodyOf(r))
		return err
	}})
	if err == nil {
		err = seat.stay()
	}
	if err != nil {
		return received(err)
	}
	done, err := s.turns.run(r.Context())
	if err != nil {
		return err
	}
	defer done()
	return s.answer(w, r, body)
}

// wantJSON refuses what is surely something else. TensorFlow Serving's own
// examples let curl call JSON a form.
func wantJSON(r *http.Request) error {
	text := r.Header.Get("Content-Type")
	kind, _, err := mime.ParseMediaType(text)
	if text == "" || err == nil && (kind == "application/json" || kind == "application/x-www-form-urlencoded") {
		return nil
	}
	return failf(http.StatusUnsupportedMediaType, "send application/json, not %.100q", text)
}

// answer computes what a request asks for. It has its turn.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, body []byte) error {
	request, err := predict.Parse(body)
	if err != nil {
		return err
	}
	signature, ok := s.backend.Model.Signatures()[request.Signature]
	if !ok {
		return failf(http.StatusNotFound, "the model has no signature %.100q, only %s", request.Signature, s.signatureNames())
	}
	result := "error"
	defer func() { s.metrics.predictions.WithLabelValues(request.Signature, result).Inc() }()
	limits := predict.Limits{Batch: int64(s.options.MaxBatch), Pixels: s.options.MaxPixels, Together: s.options.MaxRequestPixels, Ctx: r.Context()}
	b, err := request.Batch(signature, limits)
	if gone := r.Context().Err(); gone != nil {
		return gone
	}
	if err != nil {
		return err
	}
	answer, err := s.compute(r.Context(), request, signature, b)
	if err != nil {
		return err
	}
	s.metrics.examples.WithLabelValues(request.Signature).Add(float64(b.N))
	result = "ok"
	w.Header().Set("Content-Type", "application/json")
	return answer.Write(w)
}

// compute calls the signature piece by piece, while the client is there.
func (s *Server) compute(ctx context.Context, request predict.Request, signature savedmodel.SignatureDef, b *predict.Batch) (*predict.Answer, error) {
	begun := time.Now()
	defer func() {
		s.metrics.predictSeconds.WithLabelValues(request.Signature).Observe(time.Since(begun).Seconds())
	}()
	var parts []*predict.Answer
	pieces := b.Pieces(signature)
	for _, piece := range pieces {
		part, err := s.computePiece(ctx, request, b, piece)
		if err != nil {
			return nil, err
		}
		if len(pieces) > 1 && !part.ByExample() {
			return s.computePiece(ctx, request, b, [2]int64{0, b.N})
		}
		parts = append(parts, part)
	}
	return predict.Join(parts, request.Rows)
}

func (s *Server) computePiece(ctx context.Context, request predict.Request, b *predict.Batch, piece [2]int64) (*predict.Answer, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	inputs, err := b.Tensors(piece)
	if err != nil {
		return nil, err
	}
	outputs, err := s.call(request.Signature, inputs)
	if err != nil {
		return nil, asPredictFailure(err)
	}
	return predict.NewAnswer(outputs, request.Rows, piece[1]-piece[0])
}

// call runs the model. TensorFlow cannot be stopped in the middle: when the
// client goes, what it has begun is finished and thrown away.
func (s *Server) call(signature string, inputs map[string]*tensorflow.Tensor) (outputs map[string]*tensorflow.Tensor, err error) {
	defer func() {
		if p := recover(); p != nil {
			glog.Errorf("serve: predict: panic: %v\n%s", p, debug.Stack())
			err = fmt.Errorf("predict %s: panic", signature)
		}
	}()
	outputs, err = s.backend.Model.Call(signature, inputs)
	s.turns.reclaim(inputs, outputs)
	return outputs, err
}

// asPredictFailure tells the client's mistakes from ours.
func asPredictFailure(err error) error {
	switch tf.Code(err) {
	case tf.InvalidArgument:
		return badRequest("TensorFlow refuses the inputs: %s", firstLine(err.Error()))
	case tf.ResourceExhausted:
		return busy(http.StatusServiceUnavailable, 5*time.Second, "not enough memory for a batch of this size")
	}
	return err
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return fmt.Sprintf("%.500s", line)
}

func (s *Server) signatureNames() string {
	var names []string
	for name := range s.backend.Model.Signatures() {
		names = append(names, name)
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}

// dropped counts bytes of tensors that Go's collector does not see.
type dropped struct{ bytes atomic.Int64 }

// reclaimEvery is how much of TensorFlow's memory may wait for the collector.
const reclaimEvery = 256 << 20

// reclaim frees the memory of earlier requests from time to time.
func (t *turns) reclaim(lists ...map[string]*tensorflow.Tensor) {
	var bytes int64
	for _, list := range lists {
		for _, tensor := range list {
			size := int64(8)
			for _, d := range tensor.Shape() {
				size *= d
			}
			bytes += size
		}
	}
	if t.dropped.bytes.Add(bytes) > reclaimEvery {
		t.dropped.bytes.Store(0)
		tf.Reclaim()
	}
}
