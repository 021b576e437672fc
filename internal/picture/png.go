package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
)

// PNG encodes a picture.
func PNG(m image.Image) ([]byte, error) {
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m); err != nil {
		return nil, fmt.Errorf("picture: encoding %v pixels: %w", m.Bounds().Size(), err)
	}
	return b.Bytes(), nil
}
