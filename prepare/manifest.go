package prepare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/folderlock"

	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/usage"
)

// The names in the folder of a data set, beside train and test.
const (
	manifestName = "manifest.jsonl"
	stateName    = ".prepare" // what a later run need not find out again
	reportName   = "report.html"
	tableName    = "report.csv"
	stripsName   = "report"
)

// done is a line of the manifest: a clip that stands, or one that was begun and
// dropped.
type done struct {
	Clip    string `json:"clip,omitempty"`
	Spec    string `json:"spec"`
	Video   string `json:"video"`
	Frames  int    `json:"frames,omitempty"`
	Bytes   int64  `json:"bytes,omitempty"`
	Note    string `json:"note,omitempty"`
	Dropped string `json:"dropped,omitempty"`
	Fault   bool   `json:"fault,omitempty"`
	// Twin: dropped because of a test clip, which may not be there next time.
	Twin bool `json:"twin,omitempty"`
}

var specForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// possible reports whether prepare may have written the line. Files are moved and
// removed by its names: they must not lead out of the data set.
func (d done) possible() bool {
	side, name, _ := strings.Cut(d.Clip, "/")
	inside := (side == train || side == test) && name != "" && !strings.HasPrefix(name, ".") && !strings.ContainsAny(name, "/\x00")
	return specForm.MatchString(d.Spec) && (d.Clip == "" || inside)
}

// header is the manifest's first line.
type header struct {
	Prepare    int               `json:"prepare"`
	Parameters map[string]string `json:"parameters"`
}

// version of the manifest and of how clips are made: it grows when the same
// parameters give other bytes.
const version = 1

// manifest is the list of what is done. Lines are added as clips get ready; in
// the end it is written anew, in order.
type manifest struct {
	path   string
	header header

	files durable.FileSystem

	mu   sync.Mutex
	file durable.File
	size int64           // of the whole lines in file
	torn bool            // there may be a part of a line behind them
	done map[string]done // by spec
}

// parameters are the options that clips depend on, by the names of flags.
func parameters(o *Options, model string) map[string]string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	cuts := "no"
	if o.Cuts != "" {
		cuts = "yes"
	}
	return map[string]string{
		"size": strconv.Itoa(o.Size), "format": string(o.Format), "fit": string(o.Fit), "crop": string(o.Crop),
		"checkpoint": model, "margin": number(o.Margin), "fps": number(o.FPS), "min_frames": strconv.Itoa(o.MinFrames),
		"max_frames": strconv.Itoa(o.MaxFrames), "min_motion": number(o.MinMotion), "split": string(o.Split),
		"test_share": number(o.TestShare), "gap": strconv.Itoa(o.Gap), "seed": strconv.FormatInt(o.Seed, 10),
		"camera": o.Camera, "times": string(o.Times), "cuts": cuts,
	}
}

// readManifest reads what an earlier run did; an empty manifest if there was
// none. A folder of something else, or of other parameters, is a *usage.Error.
func readManifest(out string, want map[string]string) (*manifest, error) {
	m := &manifest{path: filepath.Join(out, manifestName), header: header{version, want}, files: durable.OS{}, done: map[string]done{}}
	const most = 1 << 31
	data, err := localfile.Read(m.path, most)
	if errors.Is(err, os.ErrNotExist) {
		return m, m.refuseForeign(out)
	}
	if err != nil {
		return nil, usage.Wrap(err)
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	var h header
	if err := json.Unmarshal(lines[0], &h); err != nil || h.Prepare == 0 {
		return nil, usage.Wrap(fmt.Errorf("%s is no manifest of prepare: name another `out`", m.path))
	}
	if err := m.compare(out, h); err != nil {
		return nil, usage.Wrap(err)
	}
	for i, line := range lines[1:] {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // nothing, or what a killed run was writing
		}
		var d done
		if err := json.Unmarshal(line, &d); err != nil || !d.possible() {
			return nil, usage.Wrap(fmt.Errorf("%s, line %d: is damaged; remove that line to have its clip made again", m.path, i+2))
		}
		m.done[d.Spec] = d
	}
	return m, nil
}

// refuseForeign reports a folder that holds what no run of prepare made.
func (m *manifest) refuseForeign(out string) error {
	entries, err := localfile.ReadDir(out)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return usage.Wrap(err)
	}
	for _, e := range entries {
		if e.Name() != stateName && e.Name() != "lost+found" {
			return usage.Wrap(fmt.Errorf("%s holds %s and no %s: it is not of prepare's making; name an empty or a new folder", out, e.Name(), manifestName))
		}
	}
	return nil
}

// compare names the parameters that differ.
func (m *manifest) compare(out string, h header) error {
	if h.Prepare != version {
		return fmt.Errorf("%s was made by another version of prepare (%d, this is %d): name another `out`", out, h.Prepare, version)
	}
	var names, differ []string
	for name := range m.header.Parameters {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if had, want := h.Parameters[name], m.header.Parameters[name]; had != want {
			differ = append(differ, fmt.Sprintf("`%s` was %s and is %s", name, orNone(had), orNone(want)))
		}
	}
	if len(differ) == 0 {
		return nil
	}
	return fmt.Errorf("%s was made with other parameters: %s; give the same again, or name another `out`", out, strings.Join(differ, ", "))
}

func orNone(text string) string {
	if text == "" {
		return "not given"
	}
	return text
}

// open begins to add lines. What a killed run left of a line is cut off.
func (m *manifest) open() error {
	if err := m.rewrite(nil); err != nil {
		return err
	}
	info, err := os.Stat(m.path)
	if err != nil {
		return err
	}
	m.size = info.Size()
	m.file, err = m.files.Append(m.path)
	return err
}

func (m *manifest) of(spec string) (done, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.done[spec]
	return d, ok
}

// add writes a line. A line that replaces an earlier one of its spec comes
// after it. Of a line that cannot be written nothing stays.
func (m *manifest) add(d done) error {
	line, err := json.Marshal(d)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.torn {
		if err := m.file.Truncate(m.size); err != nil {
			return outputError(err)
		}
		m.torn = false
	}
	line = append(line, '\n')
	if _, err := m.file.Write(line); err != nil {
		m.torn = m.file.Truncate(m.size) != nil
		return outputError(err)
	}
	m.size += int64(len(line))
	m.done[d.Spec] = d
	return nil
}

// rewrite writes the manifest anew with the lines of the given specs, nil for
// all, in order.
func (m *manifest) rewrite(specs map[string]bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var lines []done
	for spec, d := range m.done {
		if specs == nil || specs[spec] {
			lines = append(lines, d)
		} else {
			delete(m.done, spec)
		}
	}
	sort.Slice(lines, func(i, j int) bool {
		a, b := lines[i], lines[j]
		if a.Clip != b.Clip {
			return a.Clip < b.Clip
		}
		return a.Spec < b.Spec
	})
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(m.header); err != nil {
		return err
	}
	for _, d := range lines {
		if err := encoder.Encode(d); err != nil {
			return err
		}
	}
	return durable.WriteFileOn(m.files, m.path, out.Bytes())
}

func (m *manifest) close() {
	if m.file != nil {
		m.file.Close()
	}
}

// lock keeps a second run out of a folder.
func lock(state string) (*folderlock.Lock, error) {
	l, err := folderlock.Acquire(state)
	var locked *folderlock.LockedError
	if errors.As(err, &locked) {
		return nil, usage.Wrap(fmt.Errorf("another prepare is at work on %s: %w", filepath.Dir(state), err))
	}
	if err != nil {
		return nil, outputError(err)
	}
	return l, nil
}
