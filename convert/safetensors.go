package convert

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/element"
	"github.com/prioritycut/prioritycut/internal/safetensors"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/weights"
)

// writeStateDict writes a .safetensors file with the reference's names and
// layouts.
func (c *runState) writeStateDict(path string, parametrizations bool) error {
	var tensors []safetensors.Tensor
	for _, p := range c.nets.players {
		for _, v := range p.vars {
			tensors = append(tensors, c.fileTensor(v))
		}
		if !c.hasOptimiser(p) {
			continue
		}
		for _, v := range p.slots() {
			tensors = append(tensors, c.fileTensor(v))
		}
	}
	if c.config.FamilyName() == model.FOMMFamily {
		tensors = append(tensors, antiAliasKernels(c.config.Model)...)
	}
	if parametrizations {
		for i := range tensors {
			tensors[i].Name = parametrized(tensors[i].Name)
		}
	}
	notes, err := json.Marshal(c.notes)
	if err != nil {
		return err
	}
	return writeSafeTensors(path, tensors, map[string]string{
		"format":        "pt", // what readers of PyTorch's own files look for
		"align_corners": strconv.FormatBool(c.notes.AlignCorners),
		"step":          strconv.FormatInt(c.notes.Step, 10),
		notesKey:        string(notes),
	})
}

// parametrized is a tensor's name where spectral normalisation is one of
// torch.nn.utils.parametrizations.
func parametrized(name string) string {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		switch part {
		case "weight_orig":
			parts[i] = "parametrizations.weight.original"
		case "weight_u":
			parts[i] = "parametrizations.weight.0._u"
		case "weight_v":
			parts[i] = "parametrizations.weight.0._v"
		}
	}
	return strings.Join(parts, ".")
}

// fileTensor is a variable as files with the reference's layouts have it; its
// bytes are made when their turn comes.
func (c *runState) fileTensor(v *graph.Variable) safetensors.Tensor {
	t := safetensors.Tensor{Name: fileName(v), DType: safetensors.F32, Shape: c.nets.fileShape(v)}
	if v.DType == tensorflow.Int64 {
		t.DType = safetensors.I64
	}
	t.Stream = func(w io.Writer) error {
		data, err := fileBytes(c.values[v], v)
		if err == nil {
			_, err = w.Write(data)
		}
		return err
	}
	return t
}

func fileBytes(t *tensorflow.Tensor, v *graph.Variable) ([]byte, error) {
	if v.DType == tensorflow.Int64 {
		n, err := tf.Values[int64](t)
		return element.AppendInt64s(nil, n), err
	}
	values, err := tf.Values[float32](t)
	if err == nil && len(v.Dims) == 4 {
		values, _, err = weights.OIHW(values, v.Dims)
	}
	return element.AppendFloat32s(make([]byte, 0, 4*len(values)), values), err
}

func float32Tensor(name string, shape []int64, values []float32) safetensors.Tensor {
	return safetensors.Tensor{Name: name, DType: safetensors.F32, Shape: shape, Data: element.AppendFloat32s(nil, values)}
}

// writeSafeTensors writes a file as a whole, durably, or nothing under its
// name.
func writeSafeTensors(path string, tensors []safetensors.Tensor, meta map[string]string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	temp, err := durable.NewFile(dir, "."+filepath.Base(path)+".tmp-")
	if err != nil {
		return err
	}
	defer temp.Remove()
	b := bufio.NewWriterSize(temp.File, 1<<20)
	err = safetensors.Write(b, tensors, meta)
	if err == nil {
		err = b.Flush()
	}
	if err != nil {
		return err // whoever calls it names the file
	}
	if err := checkVacant(path); err != nil {
		return err
	}
	return temp.Publish(path)
}
