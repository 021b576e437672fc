package serve

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// newID draws the name of a job. Who knows it may see and cancel the job, so
// it cannot be guessed.
func newID() (string, error) {
	var bits [16]byte
	if _, err := rand.Read(bits[:]); err != nil {
		return "", fmt.Errorf("drawing a job's name: %w", err)
	}
	return hex.EncodeToString(bits[:]), nil
}
