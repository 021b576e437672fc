package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// ago makes the clock of a bar one that started then.
func (b *Bar) ago(d time.Duration) { b.began = time.Now().Add(-d) }

func TestLog(t *testing.T) {
	var out bytes.Buffer
	b := New(&out, time.Minute)
	if b.Columns() != 0 {
		t.Errorf("a buffer has %d columns", b.Columns())
	}
	b.Begin("step", "preparing", 10, 20)
	if got := b.Pace(10); got != "first steps" {
		t.Errorf("before the first step: %q", got)
	}
	b.ago(10 * time.Second)
	b.Set(15, b.Pace(15)) // too soon for a line
	b.said = time.Now().Add(-2 * time.Minute)
	b.Set(16, b.Pace(16))
	b.Set(17, b.Pace(17))
	b.Println("something else")
	b.Line()
	b.Line() // it is there
	b.Set(21, "more than was claimed")
	b.Line()
	b.End()
	want := "step 16/20  0.6 steps/s  7s left\nsomething else\nstep 17/20  0.7 steps/s  4s left\nstep 21  more than was claimed\n"
	if out.String() != want {
		t.Errorf("%q, want %q", &out, want)
	}
}

func TestClock(t *testing.T) {
	var out bytes.Buffer
	b := New(&out, 0)
	b.Begin("frame", "", 0, 0)
	b.ago(time.Hour)
	b.StartClock(1)
	b.ago(2 * time.Second)
	if got := b.Pace(9); got != "4 frames/s" {
		t.Errorf("%q", got)
	}
	if got := b.PerSecond(30); got < 14 || got > 15.01 {
		t.Errorf("30 in two seconds are %v a second", got)
	}
	if got := b.Left(9); got != "" {
		t.Errorf("of an unknown number %q", got)
	}
	b.Set(9, "")
	b.Line()
	if got := out.String(); got != "frame 9\n" {
		t.Errorf("%q", got)
	}
}

// What is found done is no speed; what is left follows what is expected.
func TestSkip(t *testing.T) {
	b := New(&bytes.Buffer{}, 0)
	b.Begin("video", "", 0, 10)
	b.Skip(4)
	if got := b.Left(4); got != "" {
		t.Errorf("before the first: %q", got)
	}
	b.ago(10 * time.Second)
	if got := b.Left(5); got != "50s left" {
		t.Errorf("%q", got)
	}
	if b.Expect(7); b.Left(5) != "20s left" {
		t.Errorf("of fewer: %q", b.Left(5))
	}
}

func TestSilence(t *testing.T) {
	b := New(nil, time.Nanosecond)
	b.Begin("step", "", 0, 2)
	b.Set(1, b.Pace(1))
	b.Line()
	b.Println("nobody reads this")
	b.End()
}

// On a terminal the second stage is shown as the first was, and a full bar stays.
func TestTerminal(t *testing.T) {
	var out bytes.Buffer
	b := New(&out, time.Nanosecond)
	b.columns, b.throttle = 80, 0
	for _, name := range []string{"first", "second"} {
		out.Reset()
		b.Begin("step", name, 0, 600)
		if text := out.String(); !strings.Contains(text, name) {
			t.Errorf("%s begins as %q", name, text)
		}
		b.Set(300, name+" half")
		if text := out.String(); !strings.Contains(text, name+" half") || !strings.Contains(text, "300/600") {
			t.Errorf("half of the %s is shown as %q", name, text)
		}
		b.Line() // is for logs
		b.Println("a line")
		b.Set(600, name)
	}
	b.Set(700, "more")
	if text := out.String(); !strings.Contains(text, "\ra line\n") && !strings.Contains(text, "a line\n") || strings.Contains(text, "step 300") {
		t.Errorf("%q", text)
	}
	b.End()
	ended := out.Len()
	b.End()
	if out.Len() != ended || !strings.HasSuffix(out.String(), "\n") {
		t.Errorf("it ends as %q", &out)
	}
}
