package video

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"strconv"
	"time"

	"golang.org/x/image/webp"

	"github.com/prioritycut/prioritycut/internal/localfile"
)

// ReadPicture reads a png, jpg or webp file, upright; which of them is told by
// its content. Of an animated picture it is the first.
func ReadPicture(path string, limits Limits) (*Frame, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	frame, err := DecodePicture(f, limits)
	if err != nil {
		return nil, fmt.Errorf("picture %s: %w", path, err)
	}
	return frame, nil
}

// PictureSize reads the header of a picture and how it is to be turned, no
// more. The size is that of what ReadPicture returns.
func PictureSize(path string, limits Limits) (w, h int, err error) {
	f, err := openRegular(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	whole := &faithful{ReadSeeker: f}
	header, err := readPictureHeader(whole, limits.OrDefault())
	if whole.err != nil {
		err = whole.err
	}
	if err != nil {
		return 0, 0, fmt.Errorf("picture %s: %w", path, err)
	}
	if header.turn > 4 {
		return header.h, header.w, nil
	}
	return header.w, header.h, nil
}

// openRegular opens a file with something in it.
func openRegular(path string) (*localfile.File, error) {
	f, size, err := localfile.Open(path)
	if err != nil {
		return nil, err
	}
	if size == 0 {
		f.Close()
		return nil, fmt.Errorf("%s is empty", path)
	}
	return f, nil
}

// DecodePicture decodes a png, jpg or webp stream as viewers show it, turned as
// cameras say that their pictures lie. The size is checked before. What the
// standard library does not know of these formats is left to ffmpeg.
func DecodePicture(r io.ReadSeeker, limits Limits) (*Frame, error) {
	whole := &faithful{ReadSeeker: r}
	frame, err := decodePicture(whole, limits)
	if whole.err != nil {
		return nil, whole.err
	}
	return frame, err
}

func decodePicture(r io.ReadSeeker, limits Limits) (*Frame, error) {
	limits = limits.OrDefault()
	header, err := readPictureHeader(r, limits)
	if err != nil {
		return nil, err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if header.format == "jpeg_pipe" {
		if err := checkScans(r); err != nil {
			return nil, err
		}
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
	}
	frame, err := header.decode(bufio.NewReaderSize(r, 1<<16))
	if err != nil && header.forFFmpeg(err) {
		whole, errRead := rereadHarmless(r, header.format, limits)
		if errRead != nil {
			return nil, errRead
		}
		var errToo error
		if frame, errToo = header.byFFmpeg(whole, limits); errToo != nil {
			err = fmt.Errorf("%w (%w)", shortened(err), errToo)
		} else {
			err = nil
		}
	}
	if err != nil {
		return nil, shortened(err)
	}
	return frame.turned(header.turn), nil
}

// rereadHarmless returns a picture from its beginning for ffmpeg, which would
// inflate all that a png holds.
func rereadHarmless(r io.ReadSeeker, format string, limits Limits) (io.Reader, error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil || format != "png_pipe" {
		return r, err
	}
	file, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if file, err = newPNGFile(file).harmless(limits); err != nil {
		return nil, shortened(err)
	}
	return bytes.NewReader(file), nil
}

// pictureHeader is what a picture says before its pixels.
type pictureHeader struct {
	format string // ffmpeg's name of it
	w, h   int    // as stored
	turn   turn
}

// readPictureHeader tells the format and checks the size that the header claims.
// It does not go by image.Decode, whose formats depend on what else is linked.
func readPictureHeader(r io.ReadSeeker, limits Limits) (*pictureHeader, error) {
	head := make([]byte, 512)
	n, err := io.ReadFull(r, head)
	if err != nil && n < 8 {
		return nil, errors.New("too short for a png or jpg")
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	header := &pictureHeader{}
	var config image.Config
	buffered := bufio.NewReader(r)
	switch head = head[:n]; {
	case bytes.HasPrefix(head, []byte(pngMagic)):
		header.format = "png_pipe"
		config, err = png.DecodeConfig(&pngEssence{r: buffered})
	case bytes.HasPrefix(head, []byte("\xff\xd8")):
		header.format = "jpeg_pipe"
		config, err = jpeg.DecodeConfig(buffered)
		if unsupported := jpeg.UnsupportedError(""); errors.As(err, &unsupported) {
			config, err = jpegSize(r)
		}
	case animatedWebP(head[:n]):
		return nil, noPicture(head)
	case n >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		header.format = "webp_pipe"
		config, err = webp.DecodeConfig(buffered)
	default:
		return nil, noPicture(head)
	}
	if err != nil {
		return nil, shortened(err)
	}
	if err := limits.size(config.Width, config.Height); err != nil {
		return nil, err
	}
	header.w, header.h = config.Width, config.Height
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	header.turn = orientation(r)
	return header, nil
}

// decode decodes by the standard library.
func (h *pictureHeader) decode(r *bufio.Reader) (*Frame, error) {
	var img image.Image
	var err error
	switch h.format {
	case "png_pipe":
		img, err = png.Decode(&pngEssence{r: r})
	case "jpeg_pipe":
		img, err = jpeg.Decode(r)
	default:
		// The library takes the colours of webp for those of jpg.
		return nil, errLeftToFFmpeg
	}
	if err != nil {
		return nil, err
	}
	return FromImage(img)
}

var errLeftToFFmpeg = errors.New("webp")

// forFFmpeg tells whether a picture may be sound although it could not be
// decoded.
func (h *pictureHeader) forFFmpeg(err error) bool {
	var noJPEG jpeg.UnsupportedError
	var noPNG png.UnsupportedError
	return err == errLeftToFFmpeg || errors.As(err, &noJPEG) || errors.As(err, &noPNG) ||
		err == png.FormatError("too much pixel data") || err == png.FormatError(zlib.ErrChecksum.Error()) ||
		h.format == "png_pipe" && errors.Is(err, io.ErrUnexpectedEOF)
}

// pictureTime bounds the decoding of one picture.
const pictureTime = time.Minute

// byFFmpeg decodes by ffmpeg. What it has to say something about counts as
// damaged: it would fill holes.
func (h *pictureHeader) byFFmpeg(r io.Reader, limits Limits) (*Frame, error) {
	ctx, cancel := context.WithTimeout(context.Background(), pictureTime)
	defer cancel()
	cmd, messages, err := command(ctx, limits, "ffmpeg", "-nostdin", "-xerror", "-protocol_whitelist", "pipe", "-format_whitelist", h.format,
		"-max_pixels", strconv.FormatInt(min(limits.MaxPixels, math.MaxInt32), 10), "-noautorotate", "-f", h.format, "-i", "pipe:0",
		"-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1")
	if err != nil {
		return nil, err
	}
	frame := NewFrame(h.w, h.h)
	out := &limited{left: len(frame.Pix) + 1, kept: frame.Pix[:0]}
	cmd.Stdin, cmd.Stdout = r, out
	err = cmd.Run()
	switch {
	case err == nil && len(messages.kept) == 0 && len(out.kept) == len(frame.Pix):
		frame.Pix = out.kept
		return frame, nil
	case err == nil:
		err = errors.New("other pixels than its header says")
	}
	return nil, messages.explain("ffmpeg cannot decode it", err)
}

// shortened says what a decoder means when it runs out of bytes.
func shortened(err error) error {
	noPixels := err == png.FormatError("not enough pixel data") || err == png.FormatError(io.ErrUnexpectedEOF.Error())
	if noPixels || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("ends too early: the file is cut off")
	}
	return err
}
