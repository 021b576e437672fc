package browser

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := find(""); err == nil || !strings.Contains(err.Error(), install) || !strings.Contains(err.Error(), variable) {
		t.Errorf("without a driver: %v", err)
	}
	if path, err := find("/bin/sh"); err != nil || path != "/bin/sh" {
		t.Errorf("a driver that the environment names: %s (%v)", path, err)
	}
}

func TestPage(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "script-src 'self'")
		fmt.Fprint(w, `<!DOCTYPE html><link rel="icon" href="data:,"><label for=a>Name</label><input id=a><script>document.title = "never"</script>`)
	}))
	defer server.Close()
	p := Open(t, 360, 640)
	p.Go(server.URL)
	p.Type("#a", "somebody")
	var value string
	if p.Eval("return document.getElementById('a').value", &value); value != "somebody" {
		t.Errorf("typed %q", value)
	}
	if role, label := p.Role("#a"); role != "textbox" || label != "Name" {
		t.Errorf("%s %q", role, label)
	}
	if said := p.Complaints(); len(said) != 1 || !strings.Contains(said[0], "Content Security Policy") {
		t.Errorf("the browser says %q", said)
	}
	dir := t.TempDir()
	t.Setenv("TEST_UNDECLARED_OUTPUTS_DIR", dir)
	p.Keep("seen")
	text, err := os.ReadFile(filepath.Join(dir, "seen.png"))
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.DecodeConfig(bytes.NewReader(text))
	if err != nil || picture.Width != 360 || picture.Height != 640 {
		t.Errorf("a picture of %dx%d (%v)", picture.Width, picture.Height, err)
	}
}
