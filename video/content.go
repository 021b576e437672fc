package video

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// class says what can be done with a file.
type class int

const (
	strange        class = iota // nothing
	aPicture                    // ReadPicture reads it
	strangePicture              // other programs do
	aFilm                       // OpenFilm reads it
	strangeFilm                 // ffmpeg would, were it let to
)

// signs are beginnings of files that are mistaken for pictures or films.
var signs = []struct {
	at   int
	sign string
	what string
	class
}{
	{0, "\x89PNG\r\n\x1a\n", "a png picture", aPicture},
	{0, "\xff\xd8\xff", "a jpg picture", aPicture},
	{0, "GIF8", "a gif", aFilm},
	{8, "WEBP", "a WebP picture", strangePicture},
	{4, "ftypavif", "an AVIF picture", strangePicture},
	{4, "ftypavis", "an AVIF picture", strangePicture},
	{4, "ftypheic", "a HEIC picture", strangePicture},
	{4, "ftypheix", "a HEIC picture", strangePicture},
	{4, "ftypmif1", "a HEIF picture", strangePicture},
	{4, "ftypmsf1", "a HEIF picture", strangePicture},
	{4, "ftypM4A", "an m4a sound file", strange},
	{4, "ftyp", "an mp4 or mov film", aFilm},
	{4, "moov", "a mov film", aFilm},
	{4, "JXL ", "a JPEG XL picture", strangePicture},
	{0, "\xff\x0a", "a JPEG XL picture", strangePicture},
	{4, "jP  ", "a JPEG 2000 picture", strangePicture},
	{0, "BM", "a bmp picture", strangePicture},
	{0, "II*\x00", "a tiff picture", strangePicture},
	{0, "MM\x00*", "a tiff picture", strangePicture},
	{0, "P5\n", "a pgm picture", strangePicture},
	{0, "P6\n", "a ppm picture", strangePicture},
	{0, "8BPS", "a Photoshop picture", strangePicture},
	{0, "\x1a\x45\xdf\xa3", "a webm or mkv film", aFilm},
	{8, "AVI ", "an avi film", aFilm},
	{8, "WAVE", "a wav sound file", strange},
	{0, "YUV4MPEG2 ", "a y4m film", strangeFilm},
	{0, "\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02", "an mxf film", strangeFilm},
	{0, "FLV\x01", "an flv film", strangeFilm},
	{0, "OggS", "an ogg film or sound file", strangeFilm},
	{0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a wmv or wma file", strangeFilm},
	{0, "\x00\x00\x01\xba", "an mpeg film", strangeFilm},
	{0, "\x00\x00\x01\xb3", "an mpeg film", strangeFilm},
	{0, "ID3", "an mp3 sound file", strange},
	{0, "\xff\xfb", "an mp3 sound file", strange},
	{0, "fLaC", "a flac sound file", strange},
	{0, "%PDF", "a pdf", strange},
	{0, "PK\x03\x04", "a zip archive", strange},
	{0, "\x1f\x8b", "a gzip archive", strange},
	{0, "Rar!", "a rar archive", strange},
	{0, "7z\xbc\xaf", "a 7z archive", strange},
	{0, "#EXTM3U", "a play list", strange},
	{0, "ffconcat", "a play list", strange},
	{0, "version https://git-lfs", "a pointer of Git LFS to a file that was not fetched (git lfs pull)", strange},
}

// contentOf says what a file is by its beginning, in words; empty if that is not
// known.
func contentOf(head []byte) (what string, _ class) {
	if animatedWebP(head) {
		return "an animated WebP, which is not read (make a gif or mp4 of it)", strange
	}
	for _, s := range signs {
		if len(head) > s.at && bytes.HasPrefix(head[s.at:], []byte(s.sign)) {
			return s.what, s.class
		}
	}
	if len(head) > 376 && head[0] == 0x47 && head[188] == 0x47 && head[376] == 0x47 {
		return "an MPEG transport stream", aFilm
	}
	text := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))))
	switch {
	case bytes.HasPrefix(text, []byte("<!doctype html")), bytes.HasPrefix(text, []byte("<html")):
		return "a web page", strange
	case bytes.HasPrefix(text, []byte("<svg")), bytes.HasPrefix(text, []byte("<?xml")) && bytes.Contains(text, []byte("<svg")):
		return "an svg drawing", strangePicture
	case len(text) > 0 && isText(text):
		return "a text", strange
	}
	return "", strange
}

// animatedWebP looks at the flags of the extended header, which says whether
// there are several pictures.
func animatedWebP(head []byte) bool {
	const animation = 2
	return len(head) > 20 && string(head[8:16]) == "WEBPVP8X" && head[20]&animation != 0
}

// NoVideo says that a file or folder of kind Unknown is no video, and what it is
// where its beginning tells.
func NoVideo(path string) error {
	const wanted = "a folder of png or jpg frames, a film (mp4, mov, webm, gif, ...) or a strip (png, jpg) is one"
	head, err := beginning(path)
	if err != nil {
		return fmt.Errorf("%s is no video: %s", path, wanted)
	}
	switch what, class := contentOf(head); {
	case what == "":
		return fmt.Errorf("%s is no video: %s", path, wanted)
	case class == strangeFilm:
		return fmt.Errorf("%s is no video that is read: it is %s; convert it (ffmpeg -i FILE film.mp4)", path, what)
	case class == strangePicture:
		return fmt.Errorf("%s is no video: it is %s, and frames are png or jpg; convert it", path, what)
	case class == aFilm, class == aPicture:
		return fmt.Errorf("%s is no video by its name, though it is %s: give it a name that ends as such files' do (%s, .png, .jpg)", path, what, strings.Join(FilmEndings, ", "))
	default:
		return fmt.Errorf("%s is no video: it is %s; %s", path, what, wanted)
	}
}

// noFilm explains why a file is no film that can be read, if its beginning says
// so.
func noFilm(head []byte, err error) error {
	what, class := contentOf(head)
	if what == "" || class == aFilm {
		return err
	}
	if unlisted := unlistedError(""); errors.As(err, &unlisted) {
		err = fmt.Errorf("ffmpeg calls it %s", string(unlisted))
	}
	switch {
	case class == strangeFilm:
		return fmt.Errorf("it is %s, which is not read: convert it (ffmpeg -i FILE film.mp4; %w)", what, err)
	}
	return fmt.Errorf("it is %s and no film, whatever its name says (%w)", what, err)
}

// noPicture says what is there in place of a png or jpg picture.
func noPicture(head []byte) error {
	what, class := contentOf(head)
	switch {
	case what == "":
		return errors.New("neither png nor jpg")
	case class == strangePicture:
		return fmt.Errorf("it is %s, whatever its name says, neither png nor jpg: convert it", what)
	}
	return fmt.Errorf("it is %s, neither png nor jpg", what)
}

// isText tells text by its letters; the last one may be cut.
func isText(head []byte) bool {
	for len(head) > 0 {
		r, n := utf8.DecodeRune(head)
		if r == utf8.RuneError && n == 1 {
			return len(head) < utf8.UTFMax
		}
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f {
			return false
		}
		head = head[n:]
	}
	return true
}

// beginning reads as much of a file as contentOf looks at.
func beginning(path string) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return head[:n], nil
}
