package video

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Harmless prepares a png or jpg file for a decoder that believes what files
// say, and returns its pixels, width times height. The size is checked first.
// Of a png only the chunks that hold the picture stay, since others may hold
// compressed text of any length, and no more pixel data than its header
// announces: inflating goes no further than that, here and later. A jpg that
// draws its pixels too often is refused.
func Harmless(file []byte, limits Limits) (harmless []byte, pixels int64, err error) {
	limits = limits.OrDefault()
	switch {
	case bytes.HasPrefix(file, []byte(pngMagic)):
		p := newPNGFile(file)
		if harmless, err = p.harmless(limits); err != nil {
			return nil, 0, shortened(err)
		}
		return harmless, int64(p.w) * int64(p.h), nil
	case bytes.HasPrefix(file, []byte("\xff\xd8")):
		header, err := readPictureHeader(bytes.NewReader(file), limits)
		if err == nil {
			err = checkScans(bytes.NewReader(file))
		}
		if err != nil {
			return nil, 0, err
		}
		return file, int64(header.w) * int64(header.h), nil
	}
	return nil, 0, errors.New("neither png nor jpg")
}

// pngEnd is a png's last chunk.
const pngEnd = "\x00\x00\x00\x00IEND\xaeB`\x82"

// pngFile is a png that is gone through.
type pngFile struct {
	rest       []byte // chunks that have not been seen
	w, h       int
	bits       int // of a pixel
	interlaced bool
	idat       [][]byte // compressed pixels
	out        []byte
}

func newPNGFile(file []byte) *pngFile { return &pngFile{rest: file[len(pngMagic):]} }

// harmless returns the png without what is left out.
func (p *pngFile) harmless(limits Limits) ([]byte, error) {
	p.out = []byte(pngMagic)
	name, body, whole, err := p.next()
	if err == nil && (name != "IHDR" || len(body) != 13) {
		err = errors.New("its header is not the first of it")
	}
	if err == nil {
		err = p.header(body, limits)
	}
	if err != nil {
		return nil, err
	}
	p.out = append(p.out, whole...)
	for {
		if name, body, whole, err = p.next(); err != nil {
			if p.idat == nil || len(p.rest) >= len(pngEnd) {
				return nil, err
			}
			name, whole = "IEND", []byte(pngEnd) // viewers do without it once all pixels are there
		}
		switch name {
		case "IHDR":
			return nil, errors.New("it has two headers")
		case "IDAT":
			if sum := binary.BigEndian.Uint32(whole[8+len(body):]); sum != crc32.ChecksumIEEE(whole[4:8+len(body)]) {
				return nil, errors.New("its pixels are damaged: their checksum differs")
			}
			p.idat = append(p.idat, body)
			continue
		case "PLTE", "tRNS":
			if p.idat != nil {
				return nil, errors.New("its colours come after its pixels")
			}
			p.out = append(p.out, whole...)
			continue
		case "IEND":
			if err := p.pixels(); err != nil {
				return nil, err
			}
			return append(p.out, whole...), nil
		}
		const ancillary = 0x20
		if name[0]&ancillary == 0 {
			return nil, fmt.Errorf("it needs a chunk %q", name)
		}
	}
}

// next takes a chunk.
func (p *pngFile) next() (name string, body, whole []byte, err error) {
	const around = 12 // length, name and checksum
	if len(p.rest) < around {
		return "", nil, nil, io.ErrUnexpectedEOF
	}
	n := uint64(binary.BigEndian.Uint32(p.rest))
	if n > uint64(len(p.rest)-around) {
		return "", nil, nil, io.ErrUnexpectedEOF
	}
	whole, p.rest = p.rest[:n+around], p.rest[n+around:]
	return string(whole[4:8]), whole[8 : 8+n], whole, nil
}

// header reads sizes and the form of pixels.
func (p *pngFile) header(b []byte, limits Limits) error {
	w, h := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if w > 1<<31-1 || h > 1<<31-1 {
		return errors.New("its sizes overflow")
	}
	p.w, p.h = int(w), int(h)
	if err := limits.size(p.w, p.h); err != nil {
		return err
	}
	channels := map[byte]int{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[b[9]]
	depth := int(b[8])
	if channels == 0 || depth > 16 || depth&(depth-1) != 0 || depth == 0 || b[12] > 1 {
		return errors.New("its header describes no pixels")
	}
	p.bits, p.interlaced = channels*depth, b[12] == 1
	return nil
}

// announced is the bytes of pixel data that the header promises: of each row a
// byte for its filter, and its pixels.
func (p *pngFile) announced() int64 {
	part := func(x, y, dx, dy int) int64 {
		columns, rows := (p.w-x+dx-1)/dx, (p.h-y+dy-1)/dy
		if columns <= 0 || rows <= 0 {
			return 0
		}
		return int64(rows) * (1 + (int64(columns)*int64(p.bits)+7)/8)
	}
	if !p.interlaced {
		return part(0, 0, 1, 1)
	}
	return part(0, 0, 8, 8) + part(4, 0, 8, 8) + part(0, 4, 4, 8) + part(2, 0, 4, 4) + part(0, 2, 2, 4) + part(1, 0, 2, 2) + part(0, 1, 1, 2)
}

// pixels adds the pixel data: as they are where they are what was announced,
// else cut and compressed anew.
func (p *pngFile) pixels() error {
	announced := p.announced()
	more, err := p.inflate(io.Discard, announced)
	if err != nil {
		return err
	}
	if !more {
		for _, body := range p.idat {
			p.out = appendChunk(p.out, "IDAT", body)
		}
		return nil
	}
	var cut bytes.Buffer
	w, err := zlib.NewWriterLevel(&cut, zlib.BestSpeed)
	if err != nil {
		return err
	}
	if _, err := p.inflate(w, announced); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	p.out = appendChunk(p.out, "IDAT", cut.Bytes())
	return nil
}

// inflate writes no more than so many bytes of pixel data and tells whether
// there are more, or their own checksum is wrong.
func (p *pngFile) inflate(to io.Writer, most int64) (more bool, err error) {
	parts := make([]io.Reader, len(p.idat))
	for i, body := range p.idat {
		parts[i] = bytes.NewReader(body)
	}
	r, err := zlib.NewReader(io.MultiReader(parts...))
	if err != nil {
		return false, err
	}
	if _, err := io.CopyN(to, r, most); err != nil {
		return false, err // also of too few
	}
	n, err := io.ReadFull(r, make([]byte, 1))
	if err == zlib.ErrChecksum { // a second one, beside those of the chunks: of its writer's own
		return true, nil
	}
	if n == 0 && err != io.EOF {
		return false, err
	}
	return n > 0, nil
}

func appendChunk(to []byte, name string, body []byte) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(len(body)))
	to = append(append(to, name...), body...)
	sum := crc32.Update(crc32.ChecksumIEEE([]byte(name)), crc32.IEEETable, body)
	return binary.BigEndian.AppendUint32(to, sum)
}
