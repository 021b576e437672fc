package serve

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/browser"
)

// TestPageByHand uses the page as people do who have no mouse, no scripts, dark
// rooms, or files on their desktop.
func TestPageByHand(t *testing.T) {
	kind := files(t)
	h := stepwise{newHeld()}
	for range cap(h.goOn) { // it makes films as soon as it is asked
		h.goOn <- struct{}{}
	}
	backend := Backend{
		Animator: h, About: "drawn squares, " + strings.Repeat("a_long_name_without_blanks", 8),
		Examples: []Example{{kind["source"], kind["driving"]}, {kind["source"], kind["driving"]}},
	}
	s := start(t, backend, func(o *Options) { o.Name = strings.Repeat("model", 20) })
	dir := t.TempDir()
	picture := filepath.Join(dir, strings.Repeat("a picture of somebody ", 9)+".png")
	film := filepath.Join(dir, "film.mp4")
	for path, data := range map[string][]byte{picture: kind["source"], film: kind["driving"]} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := browser.Open(t, 1000, 800)
	index := func() {
		t.Helper()
		p.Go(s.url)
		p.Until("the scripts", "!document.querySelector('.drop').hidden")
	}
	made := func() {
		t.Helper()
		p.Until("the film", "document.getElementById('result') && document.getElementById('result').readyState >= 2")
	}

	t.Run("keyboard", func(t *testing.T) {
		index()
		order := tabs(t, p)
		for at, want := range []string{"source", "source_example", "driving", "record", "driving_example", "summary", "Animate"} {
			if at >= len(order) || order[at] != want {
				t.Fatalf("Tab goes through %q: number %d is to be %s", order, at, want)
			}
		}
		tabTo(t, p, "source_example")
		p.Press(browser.Space)
		tabTo(t, p, "driving_example")
		p.Press(browser.Space)
		tabTo(t, p, "summary")
		p.Press(browser.Enter)
		p.Until("the options are open", "document.querySelector('details').open")
		for _, want := range []string{"relative", "fit", "format", "adapt_scale", "find_best_frame", "keypoints", "audio", "unattended"} {
			tabTo(t, p, want)
		}
		tabTo(t, p, "Animate")
		p.Press(browser.Enter)
		made()
		tabTo(t, p, "download")
	})

	t.Run("drop", func(t *testing.T) {
		index()
		p.Drop("[data-kind=picture]", picture)
		p.Until("the picture is shown", "document.getElementById('source-preview').naturalWidth == 64")
		p.Drop("[data-kind=film]", film)
		p.Until("the film is shown", "document.getElementById('driving-preview').videoWidth == 64")
		p.Keep("long-names")
		p.Click("#create > button[type=submit]")
		made()
		// Both at once, anywhere: each finds its place.
		index()
		p.Drop("footer", film, picture)
		p.Until("both are shown", "document.getElementById('source-preview').naturalWidth == 64 && document.getElementById('driving-preview').videoWidth == 64")
		// A film where the picture belongs is named there.
		p.Drop("[data-kind=picture]", film)
		p.Until("nothing is shown of it", "!document.querySelector('[data-kind=picture] .unseen').hidden")
		p.Click("#create > button[type=submit]")
		p.Until("the error stands there", "/neither png nor jpg/.test(document.getElementById('source-problem').innerText) && document.querySelector('[data-kind=picture] .unseen').hidden")
		var seen bool
		p.Eval(`const r = document.getElementById("source-problem").getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight`, &seen)
		if !seen {
			t.Error("the error is outside the window")
		}
		p.Keep("error-at-its-field")
	})

	t.Run("colours", func(t *testing.T) {
		for _, dark := range []bool{false, true} {
			p.Dark(dark)
			index()
			p.Eval(`document.querySelector("details").open = true; document.getElementById("source-problem").hidden = false;
				document.getElementById("source-problem").textContent = "a problem"; return null`, nil)
			if pale := faint(p); len(pale) > 0 {
				t.Errorf("dark %v: too faint to read: %v", dark, pale)
			}
			p.Keep(fmt.Sprintf("dark-%v", dark))
		}
		p.Dark(false)
	})

	t.Run("narrow", func(t *testing.T) {
		for _, width := range []int{320, 768, 1600} {
			p.Resize(width, 700)
			index()
			p.Drop("[data-kind=picture]", picture)
			p.Until("nothing stands out", fmt.Sprintf("document.documentElement.scrollWidth <= %d", width))
		}
		p.Resize(1000, 800)
	})

	t.Run("names", func(t *testing.T) {
		index()
		p.Eval(`document.querySelector("details").open = true; return null`, nil)
		var count int
		p.Eval(`const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary, video, img:not([alt=''])")].filter(e => e.checkVisibility());
			all.forEach((e, n) => e.setAttribute("data-number", n)); return all.length`, &count)
		if count < 15 {
			t.Fatalf("only %d things on the page", count)
		}
		for n := range count {
			if role, label := p.Role(fmt.Sprintf("[data-number='%d']", n)); label == "" {
				t.Errorf("number %d, a %s, has no name", n, role)
			}
		}
	})

	if said := p.Complaints(); slices.ContainsFunc(said, func(line string) bool { return !strings.Contains(line, "422") }) {
		t.Errorf("the browser says %q", said)
	}

	t.Run("without scripts", func(t *testing.T) {
		p.WithoutScripts()
		p.Go(s.url)
		p.Type("#source", picture)
		p.Type("#driving", film)
		p.Click("#create > button[type=submit]")
		made()
		var path string
		p.Eval(`return document.getElementById("download").getAttribute("href")`, &path)
		if a := s.do(http.MethodGet, path, nil, nil); a.status != http.StatusOK {
			t.Errorf("%s: %d", path, a.status)
		}
		p.Go(s.url)
		p.Click("#create > button[type=submit]")
		p.Until("what is missing", "/Something is missing/.test(document.title) && /choose a picture/.test(document.body.innerText)")
		p.Keep("without-scripts")
	})
}

// here names what has the focus.
const here = `const e = document.activeElement; return e.tagName === "SUMMARY" ? "summary" : e.name || e.id || e.innerText.trim()`

// tabs goes through a form by Tab alone, from its first field on, and fails where
// the focus cannot be seen.
func tabs(t *testing.T, p *browser.Page) (order []string) {
	t.Helper()
	tabTo(t, p, "source")
	for range 30 {
		var name string
		p.Eval(here, &name)
		order = append(order, name)
		var outlined bool
		p.Eval(`const e = document.activeElement; const shown = e.type === "radio" ? e.nextElementSibling : e;
			return getComputedStyle(shown).outlineStyle === "solid" && parseFloat(getComputedStyle(shown).outlineWidth) >= 2`, &outlined)
		if !outlined {
			t.Errorf("nobody sees that %s has the focus", name)
		}
		if name == "Animate" {
			break
		}
		p.Press(browser.Tab)
	}
	return order
}

// tabTo presses Tab until something has the focus.
func tabTo(t *testing.T, p *browser.Page, want string) {
	t.Helper()
	var name string
	for range 30 {
		if p.Eval(here, &name); name == want {
			return
		}
		p.Press(browser.Tab)
	}
	t.Fatalf("Tab never comes to %s", want)
}

// faint lists texts whose contrast with what is behind them is below 4.5, which
// WCAG 2 asks for.
func faint(p *browser.Page) (found []string) {
	p.Eval(`const parse = (c) => c.match(/[\d.]+/g).map(Number);
		const light = (c) => { const [r, g, b] = c.map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
		const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
		return [...document.querySelectorAll("h1, p, label, small, legend, button, a, summary, select, strong")].filter(e => e.innerText && e.checkVisibility()).map(e => {
			const [a, b] = [light(parse(getComputedStyle(e).color).slice(0, 3)), light(behind(e).slice(0, 3))];
			return [e.tagName + " " + e.innerText.slice(0, 20), (Math.max(a, b) + .05) / (Math.min(a, b) + .05)];
		}).filter(([, ratio]) => !(ratio >= 4.5)).map(([name, ratio]) => name + ": " + ratio.toFixed(2))`, &found)
	return found
}
