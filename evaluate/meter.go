package evaluate

import (
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/prioritycut/prioritycut/evaluate/metric"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/video"
)

// meter measures pictures, several at once.
type meter struct {
	onPNG bool
	faces bool
	ssim  []*metric.SSIM // one per goroutine
}

func newMeter(q *Request, r *result.Run) (*meter, error) {
	m := &meter{onPNG: q.MetricOn == OnPNG, faces: r.DataKind == result.Faces}
	for range min(runtime.GOMAXPROCS(0), 16) {
		s, err := metric.NewSSIM(q.SSIMWindow, r.Height, r.Width)
		if err != nil {
			return nil, &RequestError{err}
		}
		m.ssim = append(m.ssim, s)
	}
	return m, nil
}

// compare measures a batch: predictions against frames.
func (e *evaluation) compare(first int, real []*video.Frame, made []guess) ([]result.FrameRow, error) {
	rows := make([]result.FrameRow, len(real))
	masks := make([][]byte, len(real))
	for i := range real {
		rows[i] = result.NewFrameRow("", first+i)
		if made[i].frame == nil {
			continue
		}
		var err error
		if masks[i], err = e.saliency.mask(first+i, real[i], made[i]); err != nil {
			return nil, err
		}
	}
	if err := e.meter.pictures(rows, real, made, masks); err != nil {
		return nil, err
	}
	realPoints, madePoints, err := e.keypoints.of(first, real, made)
	if err != nil {
		return nil, err
	}
	realCodes, madeCodes, err := e.embeddings.of(first, real, made)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if made[i].frame == nil {
			continue
		}
		if realPoints != nil {
			if err := e.meter.keypoints(&rows[i], e.joints, realPoints[i], madePoints[i]); err != nil {
				return nil, fmt.Errorf("frame %d: %w", first+i, err)
			}
		}
		if realCodes != nil {
			if err := embedding(&rows[i], realCodes[i], madeCodes[i]); err != nil {
				return nil, fmt.Errorf("frame %d: %w", first+i, err)
			}
		}
	}
	return rows, nil
}

// pictures measures what compares pixels.
func (m *meter) pictures(rows []result.FrameRow, real []*video.Frame, made []guess, masks [][]byte) error {
	var group errgroup.Group
	for worker, ssim := range m.ssim {
		group.Go(func() error {
			for i := worker; i < len(rows); i += len(m.ssim) {
				if made[i].frame == nil {
					continue
				}
				if err := m.picture(&rows[i], ssim, real[i], made[i], masks[i]); err != nil {
					return fmt.Errorf("frame %d: %w", rows[i].Frame, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func (m *meter) picture(row *result.FrameRow, ssim *metric.SSIM, real *video.Frame, g guess, mask []byte) error {
	want, got := unit(real.Pix), g.pix
	if m.onPNG {
		got = unit(g.frame.Pix)
	}
	p, err := metric.Pixels(got, want, mask)
	if err != nil {
		return err
	}
	s, err := ssim.Compare(got, want)
	if err != nil {
		return err
	}
	row.L1, row.PSNR, row.SSIM = result.Value(p.L1), result.Value(p.PSNR), result.Value(s)
	if mask == nil {
		return nil
	}
	salient, non, err := ssim.Masked(got, want, mask)
	if err != nil {
		return err
	}
	row.PSNRSalient, row.PSNRNonSalient = result.Value(p.PSNRSalient), result.Value(p.PSNRNonSalient)
	row.SSIMSalient, row.SSIMNonSalient = result.Value(salient), result.Value(non)
	return nil
}

// keypoints measures AKD, and MKR but for faces: those are found as a whole or
// not at all, and frames without one are left out.
func (m *meter) keypoints(row *result.FrameRow, joints *jointTable, real, made []float32) error {
	n := max(len(real), len(made)) / 3
	if real != nil && made != nil && len(real) != len(made) {
		return fmt.Errorf("%d keypoints in the real frame, %d in the generated one: the two must come from detectors of the same points", len(real)/3, len(made)/3)
	}
	r, g := points(real, n), points(made, n)
	distance, ok, err := metric.KeypointDistance(r, g)
	if err != nil {
		return err
	}
	joints.add(r, g)
	if ok {
		row.AKD = result.Value(distance)
	}
	if m.faces {
		return nil
	}
	rate, ok, err := metric.MissingRate(r, g)
	if err != nil {
		return err
	}
	if ok {
		row.MKR = result.Value(rate)
	}
	return nil
}

// embedding measures AED where both frames have an embedding.
func embedding(row *result.FrameRow, real, made []float32) error {
	if real == nil || made == nil {
		return nil
	}
	squared, euclidean, err := metric.EmbeddingDistance(real, made)
	if err != nil {
		return err
	}
	row.AED, row.AEDEuclidean = result.Value(squared), result.Value(euclidean)
	return nil
}
