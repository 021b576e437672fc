package browser

import "net/http"

// Keys that have no character of their own, as WebDriver calls them.
const (
	Tab   = "\ue004"
	Enter = "\ue007"
	Space = " "
)

// Press strikes keys one after the other, wherever the focus is.
func (p *Page) Press(keys ...string) {
	p.t.Helper()
	var strokes []object
	for _, k := range keys {
		strokes = append(strokes, object{"type": "keyDown", "value": k}, object{"type": "keyUp", "value": k})
	}
	p.must(http.MethodPost, p.session+"/actions", object{"actions": []object{{"type": "key", "id": "keyboard", "actions": strokes}}}, nil)
}

// Drop drags files from outside over the middle of an element and lets them go.
func (p *Page) Drop(selector string, paths ...string) {
	p.t.Helper()
	var at struct{ X, Y float64 }
	p.Eval(`const e = document.querySelector(arguments[0]); e.scrollIntoView({block: "center"});
		const r = e.getBoundingClientRect(); return {x: r.x + r.width / 2, y: r.y + r.height / 2}`, &at, selector)
	for _, kind := range []string{"dragEnter", "dragOver", "drop"} {
		p.cdp("Input.dispatchDragEvent", object{
			"type": kind, "x": at.X, "y": at.Y, "data": object{"items": []any{}, "files": paths, "dragOperationsMask": 1},
		})
	}
}

// Dark asks for a page's dark colours, or for its light ones.
func (p *Page) Dark(dark bool) {
	p.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	p.cdp("Emulation.setEmulatedMedia", object{"features": []object{{"name": "prefers-color-scheme", "value": scheme}}})
}

// WithoutScripts lets pages that are loaded from now on run no JavaScript of
// theirs. Eval goes on.
func (p *Page) WithoutScripts() {
	p.t.Helper()
	p.cdp("Emulation.setScriptExecutionDisabled", object{"value": true})
}

// cdp sends a command of Chromium's own protocol.
func (p *Page) cdp(name string, params object) {
	p.t.Helper()
	p.command("goog/cdp/execute", object{"cmd": name, "params": params}, nil)
}
