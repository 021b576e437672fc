package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"

	"github.com/prioritycut/prioritycut/internal/durable"
)

// PNG encodes a picture.
func PNG(m image.Image) ([]byte, error) {
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m); err != nil {
		return nil, fmt.Errorf("picture: encoding %v pixels: %w", m.Bounds().Size(), err)
	}
	return b.Bytes(), nil
}

// Save writes a picture as PNG beside its place and then renames it, so that
// whoever looks at the file sees all of it. Missing folders are made.
func Save(path string, m image.Image) error {
	b, err := PNG(m)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	if err := durable.WriteFile(path, b); err != nil {
		return fmt.Errorf("picture: writing %s: %w", path, err)
	}
	return nil
}
