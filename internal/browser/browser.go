// Package browser lets tests see pages as people do: a real Chromium without a
// window, moved through WebDriver's plain HTTP protocol (W3C WebDriver). It is
// for tests only.
package browser

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/internal/child"
)

// variable names another chromedriver than the one in PATH.
const variable = "PRIORITYCUT_TEST_CHROMEDRIVER"

// install is the line to type where there is none.
const install = "apt-get install -y --no-install-recommends chromium chromium-driver"

// Page is a browser's window.
type Page struct {
	t       testing.TB
	session string // address of the WebDriver session
	client  http.Client
}

// Open starts a browser whose window has the given size and closes it when the
// test ends. Without a browser the test fails, with the line that installs one.
func Open(t testing.TB, width, height int) *Page {
	t.Helper()
	name, err := find(os.Getenv(variable))
	if err != nil {
		t.Fatal(err)
	}
	p := &Page{t: t, client: http.Client{Timeout: 2 * time.Minute}}
	driver := startDriver(t, name)
	home := t.TempDir()
	var answer struct{ SessionID string }
	p.must(http.MethodPost, driver+"/session", object{"capabilities": object{"alwaysMatch": object{
		"browserName": "chrome",
		"goog:chromeOptions": object{"args": []string{
			// The sandbox needs rights that containers do not give, and the
			// pages are our own.
			"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
			"--disable-background-networking", "--disable-component-update", "--disable-extensions", "--mute-audio",
			// A camera that shows a moving picture, and a name of this machine
			// that is not known to be it.
			"--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--host-resolver-rules=MAP films.example 127.0.0.1",
			"--user-data-dir=" + home, fmt.Sprintf("--window-size=%d,%d", width, height),
		}},
		"goog:loggingPrefs": object{"browser": "ALL"},
	}}}, &answer)
	p.session = driver + "/session/" + answer.SessionID
	t.Cleanup(func() {
		// Before the driver goes: it leaves browsers behind.
		if _, err := p.call(http.MethodDelete, p.session, nil); err != nil {
			t.Errorf("closing the browser: %v", err)
		}
	})
	p.Resize(width, height)
	return p
}

// Resize gives the window another size; narrow ones are phones'.
func (p *Page) Resize(width, height int) {
	p.t.Helper()
	// Chromium's windows themselves cannot be as narrow as a phone.
	p.cdp("Emulation.setDeviceMetricsOverride", object{
		"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500,
	})
}

func find(fromEnv string) (string, error) {
	name := "chromedriver"
	if fromEnv != "" {
		name = fromEnv
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("the page is tested in a real browser, and there is no driver for one (%w): type\n  %s\nor let %s name a chromedriver", err, install, variable)
	}
	return path, nil
}

var started = regexp.MustCompile(`started successfully on port (\d+)`)

// longest is how long a test may do other things than look at pages.
const longest = time.Hour

// startDriver returns the address of a chromedriver of this test's own.
func startDriver(t testing.TB, name string) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	cmd := child.New(ctx, longest, name, "--port=0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		stop()
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		stop()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop() // its browsers go with it
		_ = cmd.Wait()
	})
	port := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if found := started.FindStringSubmatch(lines.Text()); found != nil {
				port <- found[1]
				break
			}
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case p := <-port:
		return "http://127.0.0.1:" + p
	case <-time.After(time.Minute):
		t.Fatalf("%s does not start", name)
	}
	return ""
}

type object = map[string]any

// call sends a WebDriver command and returns its value.
func (p *Page) call(method, url string, body any) (json.RawMessage, error) {
	var text []byte
	if method == http.MethodPost {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequest(method, url, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	answer, err := p.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var value struct{ Value json.RawMessage }
	if err := json.NewDecoder(answer.Body).Decode(&value); err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		var failure struct{ Error, Message string }
		if err := json.Unmarshal(value.Value, &failure); err != nil {
			return nil, fmt.Errorf("status %d: %s", answer.StatusCode, value.Value)
		}
		return nil, errors.New(failure.Error + ": " + failure.Message)
	}
	return value.Value, nil
}

func (p *Page) must(method, url string, body, value any) {
	p.t.Helper()
	text, err := p.call(method, url, body)
	if err == nil && value != nil {
		err = json.Unmarshal(text, value)
	}
	if err != nil {
		p.t.Fatalf("browser: %s: %v", url, err)
	}
}

func (p *Page) command(name string, body, value any) {
	p.t.Helper()
	p.must(http.MethodPost, p.session+"/"+name, body, value)
}

// Go loads an address.
func (p *Page) Go(url string) {
	p.t.Helper()
	p.command("url", object{"url": url}, nil)
}

// element finds one by CSS selector.
func (p *Page) element(selector string) string {
	p.t.Helper()
	var found map[string]string
	p.command("element", object{"using": "css selector", "value": selector}, &found)
	for _, id := range found {
		return p.session + "/element/" + id
	}
	p.t.Fatalf("browser: no element %s", selector)
	return ""
}

// Click clicks on an element, which must be visible.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.must(http.MethodPost, p.element(selector)+"/click", object{}, nil)
}

// Type sends text to an element; to a file input, the path of a file.
func (p *Page) Type(selector, text string) {
	p.t.Helper()
	p.must(http.MethodPost, p.element(selector)+"/value", object{"text": text}, nil)
}

// Role is what a screen reader says that an element is, Label how it calls it.
func (p *Page) Role(selector string) (role, label string) {
	p.t.Helper()
	element := p.element(selector)
	p.must(http.MethodGet, element+"/computedrole", nil, &role)
	p.must(http.MethodGet, element+"/computedlabel", nil, &label)
	return role, label
}

// Eval runs JavaScript with return in it, and decodes what it returns. The
// script finds args in arguments.
func (p *Page) Eval(script string, value any, args ...any) {
	p.t.Helper()
	p.command("execute/sync", object{"script": script, "args": append([]any{}, args...)}, value)
}

// Until waits until an expression of JavaScript is true; what names it.
func (p *Page) Until(what, expression string) {
	p.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var is bool
		p.Eval("return Boolean("+expression+")", &is)
		if is {
			return
		}
		if time.Now().After(end) {
			var text string
			p.Eval("return document.body.innerText", &text)
			p.t.Fatalf("browser: %s: not within a minute; the page says\n%s", what, text)
		}
	}
}

// Screenshot returns a PNG of the window.
func (p *Page) Screenshot() []byte {
	p.t.Helper()
	var encoded string
	p.must(http.MethodGet, p.session+"/screenshot", nil, &encoded)
	picture, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		p.t.Fatal(err)
	}
	return picture
}

// Keep writes a screenshot to a folder that Bazel shows beside the test's log.
// Elsewhere nothing is kept.
func (p *Page) Keep(name string) {
	p.t.Helper()
	dir := os.Getenv("TEST_UNDECLARED_OUTPUTS_DIR")
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), p.Screenshot(), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// Complaints are what the browser wrote to its console since they were last
// asked for: errors of scripts, what the Content Security Policy refused.
func (p *Page) Complaints() []string {
	p.t.Helper()
	var entries []struct{ Level, Message string }
	p.command("se/log", object{"type": "browser"}, &entries)
	var said []string
	for _, e := range entries {
		if e.Level == "SEVERE" || e.Level == "WARNING" {
			said = append(said, e.Message)
		}
	}
	return said
}
