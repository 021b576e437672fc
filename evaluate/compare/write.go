package compare

import (
	"bytes"
	"io"
	"path/filepath"

	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/internal/durable"
)

// Files that a comparison leaves in its folder.
const (
	MarkdownFile    = "comparison.md"
	HTMLFile        = "comparison.html"
	TableFile       = "comparison.csv"
	DifferencesFile = "differences.csv"
)

// Write writes the comparison and its report into a folder, which is made. Each
// file is replaced as a whole; what cannot be written is tried again.
func (c *Comparison) Write(w result.Writing, dir string, r *Report) error {
	return w.Insist("the comparison", func() error {
		return WriteFiles(w.Files, dir, []File{
			{TableFile, c.WriteCSV}, {DifferencesFile, c.WriteDifferences}, {MarkdownFile, r.WriteMarkdown}, {HTMLFile, r.WriteHTML},
		})
	})
}

// File is a file to write.
type File struct {
	Name  string
	Write func(io.Writer) error
}

// WriteFiles writes files into a folder, which is made, each as a whole.
func WriteFiles(files durable.FileSystem, dir string, list []File) error {
	if err := files.MkdirAll(dir); err != nil {
		return err
	}
	for _, f := range list {
		var b bytes.Buffer
		if err := f.Write(&b); err != nil {
			return err
		}
		if err := durable.WriteFileOn(files, filepath.Join(dir, f.Name), b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}
