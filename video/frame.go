package video

// Frame is one picture: 8-bit RGB, row-major [H,W,3], values as in the file
// (sRGB, not linear light).
type Frame struct {
	W, H int
	// Pix has length 3*W*H. Frames are shared by caches: whoever did not make
	// a frame must not write to it.
	Pix []byte
}

// NewFrame returns a black frame. Sides below 1 count as 0.
func NewFrame(w, h int) *Frame {
	w, h = max(w, 0), max(h, 0)
	return &Frame{W: w, H: h, Pix: make([]byte, 3*w*h)}
}
