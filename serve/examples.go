package serve

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"
)

// Example is a picture and a film of the model's own kind, for people who want
// to see what it does. Both may be combined with files of their own.
type Example struct {
	// Picture is a png file, Film an mp4 file.
	Picture, Film []byte
}

// pageExample is an example as the page names it.
type pageExample struct {
	Number        int // as the form sends it
	Name          string
	Picture, Film string // addresses
}

func (b Backend) pageExamples() []pageExample {
	var list []pageExample
	for i := range b.Examples {
		n := i + 1
		list = append(list, pageExample{n, fmt.Sprintf("example %d", n), fmt.Sprintf("/examples/%d/picture", n), fmt.Sprintf("/examples/%d/film", n)})
	}
	return list
}

// exampleOf finds an example by the number that a client gave.
func (b Backend) exampleOf(number string) (Example, bool) {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(b.Examples) {
		return Example{}, false
	}
	return b.Examples[n-1], true
}

// example sends a picture or film of one; ranges work, as players want it.
func (s *Server) example(w http.ResponseWriter, r *http.Request) error {
	e, ok := s.backend.exampleOf(r.PathValue("number"))
	data, kind := e.Picture, "image/png"
	switch r.PathValue("what") {
	case "picture":
	case "film":
		data, kind = e.Film, "video/mp4"
	default:
		ok = false
	}
	if !ok {
		return failf(http.StatusNotFound, "there is no such example")
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "private, max-age=600")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	return nil
}

// takeExample notes which example stands in for a file.
func (u *upload) takeExample(name, number string) error {
	if number == "" { // nothing is chosen
		return nil
	}
	e, ok := u.backend.exampleOf(number)
	switch {
	case !ok:
		return badRequest("%s=%.20q: there is no such example", name, number)
	case name == sourceExample:
		u.instead.Picture = e.Picture
	default:
		u.instead.Film = e.Film
	}
	return nil
}

// complete puts examples where no file of the client's has come.
func (u *upload) complete() error {
	for _, f := range []struct {
		come    bool
		path    string
		instead []byte
		missing string
	}{
		{u.sources > 0, u.sourcePath(0), u.instead.Picture, "choose a picture: the file source"},
		{u.driving, u.drivingPath(), u.instead.Film, "choose a film: the file driving"},
	} {
		_, empty := os.Stat(f.path)
		switch {
		case f.come:
		case f.instead != nil:
			if err := os.WriteFile(f.path, f.instead, 0o600); err != nil {
				return err
			}
		case empty == nil: // it came, without a byte
			return badRequest("%s is empty", f.missing)
		default:
			return badRequest("%s is missing", f.missing)
		}
	}
	return nil
}
