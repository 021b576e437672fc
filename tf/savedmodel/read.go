package savedmodel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/internal/localfile"
)

// Dir returns the folder that holds the SavedModel that path names:
// path itself, or its newest version (the folder with the highest number) when
// path holds versions, as TensorFlow Serving lays them out.
func Dir(path string) (string, error) {
	if err := checkDir(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	entries, err := localfile.ReadDir(path)
	if err != nil {
		return "", err
	}
	newest, number := "", int64(-1)
	for _, e := range entries {
		if n, ok := versionNumber(e.Name()); ok && n > number {
			if _, err := os.Stat(filepath.Join(path, e.Name(), modelFile)); err == nil {
				newest, number = filepath.Join(path, e.Name()), n
			}
		}
	}
	if newest == "" {
		return "", fmt.Errorf("it is no SavedModel: it holds neither %s nor a numbered version that does", modelFile)
	}
	return newest, nil
}

// versionNumber reads the name of a version's folder.
func versionNumber(name string) (int64, bool) {
	if name == "" || strings.Trim(name, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(name, 10, 64)
	return n, err == nil
}

// checkDir is nil for a folder with a SavedModel, fs.ErrNotExist for
// one without.
func checkDir(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return withoutPath(err)
	}
	if !info.IsDir() {
		return errors.New("a SavedModel is a folder, this is a file")
	}
	_, err = os.Stat(filepath.Join(dir, modelFile))
	if errors.Is(err, fs.ErrNotExist) {
		if _, textErr := os.Stat(filepath.Join(dir, modelTextFile)); textErr == nil {
			return fmt.Errorf("it is a SavedModel in text form (%s), which is not read: save it in binary form", modelTextFile)
		}
	}
	return err
}

// withoutPath is the reason of an error about a path that the caller names.
func withoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) && !errors.Is(err, fs.ErrNotExist) {
		return p.Err
	}
	return err
}

// readMetaGraph reads the graph for serving of a SavedModel and checks what
// TensorFlow would report badly.
func readMetaGraph(dir string, trusted bool) (*pb.MetaGraphDef, error) {
	text, err := localfile.Read(filepath.Join(dir, modelFile), maxModelBytes)
	if err != nil {
		return nil, err
	}
	model := &pb.SavedModel{}
	if err := proto.Unmarshal(text, model); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", modelFile, err)
	}
	var tags []string
	for _, meta := range model.GetMetaGraphs() {
		own := meta.GetMetaInfoDef().GetTags()
		if forServing(own) {
			return meta, checkMetaGraph(dir, meta, trusted)
		}
		tags = append(tags, "{"+strings.Join(own, ", ")+"}")
	}
	return nil, fmt.Errorf("it has no graph for serving: tags are %s, want {%s}", orNone(strings.Join(tags, ", ")), ServeTag)
}

// forServing reports whether tags are the one that TensorFlow is asked for. They
// are a set there: one that is repeated counts once, and the first graph that
// fits is loaded.
func forServing(tags []string) bool {
	return len(tags) > 0 && !slices.ContainsFunc(tags, func(t string) bool { return t != ServeTag })
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
