package tf

import (
	"bufio"
	"bytes"
)

// Records returns messages in TensorFlow's TFRecord form, one after another,
// each with its length and checksums.
func Records(messages ...[]byte) ([]byte, error) {
	var out bytes.Buffer
	w := bufio.NewWriter(&out)
	for _, m := range messages {
		if err := writeRecord(w, m); err != nil {
			return nil, err
		}
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
