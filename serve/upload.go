package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prioritycut/prioritycut/video"
)

// createJob receives a picture, a film and what to do with them.
func (s *Server) createJob(w http.ResponseWriter, r *http.Request) error {
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || parameters["boundary"] == "" {
		return failf(http.StatusUnsupportedMediaType, "send multipart/form-data with the files source and driving")
	}
	if r.ContentLength > s.options.MaxUpload {
		return failf(http.StatusRequestEntityTooLarge, "the upload has %d bytes, the limit is %d", r.ContentLength, s.options.MaxUpload)
	}
	if err := s.queue.open(); err != nil {
		return err
	}
	var place *place
	defer func() { place.release() }()
	id, err := newID()
	if err != nil {
		return err
	}
	u := &upload{
		dir: filepath.Join(s.work.dir, id), backend: s.backend, choices: s.backend.Animator.Defaults(), probeTime: s.options.probeTime,
		limits: video.Limits{
			MaxPixels: s.options.MaxPixels, MaxFrames: s.options.MaxFrames, PixelsBy: "the server's max_pixels", FramesBy: "the server's max_frames",
		},
	}
	if err := os.Mkdir(u.dir, 0o700); err != nil {
		return fmt.Errorf("the folder for jobs: %w", err)
	}
	admitted := false
	defer func() {
		if !admitted {
			remove(u.dir)
		}
	}()
	body := &lateTaker{Reader: http.MaxBytesReader(w, r.Body, s.options.MaxUpload), take: func() (err error) {
		place, err = s.queue.reserve(bodyOf(r))
		return err
	}}
	err = u.receive(r.Context(), multipart.NewReader(body, parameters["boundary"]))
	s.metrics.uploaded.Add(float64(u.bytes))
	if err != nil {
		return err
	}
	if place == nil { // the form ended before its body
		if place, err = s.queue.reserve(nil); err != nil {
			return err
		}
	}
	status, err := place.admit(id, u.dir, u.animation())
	if err != nil {
		return err
	}
	admitted = true
	w.Header().Set("Location", "/jobs/"+id)
	if wantsPage(r) {
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	writeJSON(w, http.StatusAccepted, status)
	return nil
}

// upload is a job on its way in.
type upload struct {
	dir     string
	backend Backend
	limits  video.Limits
	choices Choices
	sources int     // have come
	driving bool    // has come
	instead Example // of files that do not come
	bytes   int64
	// probeTime bounds looking into the film's header.
	probeTime time.Duration
}

const (
	// maxParts bounds the parts of a form, maxValue the bytes of an option.
	maxParts = 32
	maxValue = 64
	// maxSources bounds the pictures of one figure.
	maxSources = 16
	// sourceExample and drivingExample choose examples in place of files.
	sourceExample  = "source_example"
	drivingExample = "driving_example"
)

// sourcePath is where the n-th picture lies, from 0 on.
func (u *upload) sourcePath(n int) string {
	if n == 0 {
		return filepath.Join(u.dir, "source")
	}
	return filepath.Join(u.dir, fmt.Sprintf("source-%d", n+1))
}

func (u *upload) drivingPath() string { return filepath.Join(u.dir, "driving") }

func (u *upload) animation() Animation {
	var further []string
	for n := 1; n < u.sources; n++ {
		further = append(further, u.sourcePath(n))
	}
	return Animation{
		Source: u.sourcePath(0), Further: further, Driving: u.drivingPath(), Result: filepath.Join(u.dir, "result."+u.choices.Format),
		SourceView: filepath.Join(u.dir, "source-view.png"), DrivingView: filepath.Join(u.dir, "driving-view."+u.choices.Format),
		Limits: u.limits, Choices: u.choices,
	}
}

// receive reads the form. Nothing of a part's header but its name is used.
func (u *upload) receive(ctx context.Context, form *multipart.Reader) error {
	for n := 0; ; n++ {
		part, err := form.NextPart()
		if err == io.EOF { // the closing boundary, not an early end
			break
		}
		if err != nil {
			return received(err)
		}
		if n == maxParts {
			return badRequest("the form has more than %d parts", maxParts)
		}
		if err := u.part(ctx, part); err != nil {
			return err
		}
	}
	if err := u.complete(); err != nil {
		return err
	}
	return u.choices.check(u.backend.Animator.Abilities())
}

// received names what went wrong between us and the client.
func received(err error) error {
	var known *failure
	var large *http.MaxBytesError
	if errors.As(err, &known) || errors.As(err, &large) {
		return err
	}
	return badRequest("the form is damaged or ends too early")
}

func (u *upload) part(ctx context.Context, part *multipart.Part) (err error) {
	switch name := part.FormName(); name {
	case "source":
		return u.addSource(part)
	case "driving":
		if u.driving {
			return badRequest("the file driving came twice")
		}
		if u.driving, err = u.file(part, u.drivingPath()); !u.driving {
			return err
		}
		return u.checkDriving(ctx)
	default:
		isExample := name == sourceExample || name == drivingExample
		if !isExample && !isChoice(name) {
			return badRequest("there is no option %.50q", name)
		}
		value, err := io.ReadAll(io.LimitReader(part, maxValue+1))
		if err != nil {
			return received(err)
		}
		if len(value) > maxValue {
			return badRequest("the option %.50q is longer than %d bytes", name, maxValue)
		}
		if isExample {
			return u.takeExample(name, strings.TrimSpace(string(value)))
		}
		return u.choices.set(name, strings.TrimSpace(string(value)))
	}
}

// file receives a file, and says whether there was anything in it: browsers send
// empty ones where nothing was chosen.
func (u *upload) file(part io.Reader, path string) (come bool, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return false, err
	}
	n, err := copyPart(f, part)
	u.bytes += n
	if errClose := f.Close(); err == nil {
		err = errClose
	}
	return err == nil && n > 0, err
}

// copyPart tells the client's failures from the disk's.
func copyPart(to io.Writer, from io.Reader) (n int64, err error) {
	buffer := make([]byte, 1<<16)
	for {
		got, err := from.Read(buffer)
		if got > 0 {
			if _, err := to.Write(buffer[:got]); err != nil {
				return n, err
			}
			n += int64(got)
		}
		switch {
		case err == io.EOF:
			return n, nil
		case err != nil:
			return n, received(err)
		}
	}
}

// addSource receives a picture.
func (u *upload) addSource(part io.Reader) error {
	switch several := u.backend.Animator.Abilities().SeveralSources; {
	case u.sources > 0 && !several:
		return badRequest("the file source came twice: this model takes one picture")
	case u.sources == maxSources:
		return badRequest("the file source came more than %d times", maxSources)
	}
	path := u.sourcePath(u.sources)
	come, err := u.file(part, path)
	if !come {
		return err
	}
	u.sources++
	if _, _, err := video.PictureSize(path, u.limits); err != nil {
		return u.unusable(err).about("source")
	}
	return nil
}

func (u *upload) checkDriving(ctx context.Context) error {
	looking, cancel := context.WithTimeout(ctx, u.probeTime)
	defer cancel()
	info, err := video.Probe(looking, u.drivingPath(), u.limits)
	switch {
	case err != nil && ctx.Err() == nil && looking.Err() != nil:
		return busy(http.StatusServiceUnavailable, 10*time.Second, "looking into the driving film took longer than %v: try again later, or send it in another format", u.probeTime)
	case err != nil:
		return u.unusable(err).about("driving")
	}
	if frames := info.SteadyFrames(); frames > u.limits.MaxFrames {
		return failf(http.StatusUnprocessableEntity, "the film has %d frames, the limit is %d: cut it", frames, u.limits.MaxFrames).about("driving")
	}
	return nil
}

// unusable keeps our folders to ourselves.
func (u *upload) unusable(err error) *failure {
	return failf(http.StatusUnprocessableEntity, "%s", strings.ReplaceAll(err.Error(), u.dir+string(filepath.Separator), ""))
}

// check reports what cannot go together, or not with the model.
func (c *Choices) check(can Abilities) error {
	switch {
	case !can.Relative && (c.Relative || c.AdaptScale || c.FindBestFrame || c.BestFrame > 0 || c.Keypoints):
		return badRequest("this model has no keypoints: leave out relative, adapt_scale, find_best_frame, best_frame and keypoints")
	case c.FindBestFrame && c.BestFrame > 0:
		return badRequest("find_best_frame and best_frame exclude each other")
	case !c.Relative && (c.AdaptScale || c.FindBestFrame || c.BestFrame > 0):
		return badRequest("adapt_scale, find_best_frame and best_frame belong to relative movement")
	}
	return nil
}

// set takes an option of the form; the last of several counts. Empty leaves it
// at its default.
func (c *Choices) set(name, value string) (err error) {
	if value == "" && name != "" {
		return nil
	}
	switch name {
	case "relative":
		c.Relative, err = parseBool(name, value)
	case "adapt_scale":
		c.AdaptScale, err = parseBool(name, value)
	case "keypoints":
		c.Keypoints, err = parseBool(name, value)
	case "find_best_frame":
		c.FindBestFrame, err = parseBool(name, value)
	case "audio":
		c.Audio, err = parseBool(name, value)
	case "unattended":
		c.Unattended, err = parseBool(name, value)
	case "best_frame":
		c.BestFrame, err = strconv.Atoi(value)
		if err != nil || c.BestFrame < 0 {
			err = badRequest("best_frame=%q: want the number of a frame, from 0 on", value)
		}
	case "fit":
		c.Fit = video.Fit(value)
		if c.Fit.Validate() != nil {
			err = badRequest("fit=%q: want %s, %s or %s", value, video.Crop, video.Pad, video.Stretch)
		}
	case "format":
		c.Format = value
		if mediaTypes[value] == "" {
			err = badRequest("format=%q: want mp4, webm or gif", value)
		}
	default:
		err = badRequest("there is no option %.50q", name)
	}
	return err
}

// isChoice tells the name of an option: what comes under another name is not
// even read.
func isChoice(name string) bool {
	return slices.Contains([]string{"relative", "adapt_scale", "keypoints", "find_best_frame", "audio", "best_frame", "fit", "format", "unattended"}, name)
}

func parseBool(name, value string) (bool, error) {
	switch strings.ToLower(value) {
	case "true", "1", "on", "yes":
		return true, nil
	case "false", "0", "off", "no":
		return false, nil
	}
	return false, badRequest("%s=%q: want true or false", name, value)
}
