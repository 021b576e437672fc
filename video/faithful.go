package video

import "io"

// faithful remembers that reading failed. Decoders take what they cannot read
// for the end of a file, or do without it: a picture would lie on its side
// because a disk did not answer.
type faithful struct {
	io.ReadSeeker
	err error
}

func (f *faithful) Read(p []byte) (int, error) {
	n, err := f.ReadSeeker.Read(p)
	if err != nil && err != io.EOF && f.err == nil {
		f.err = err
	}
	return n, err
}
