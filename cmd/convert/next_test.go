package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/convert"
	"github.com/prioritycut/prioritycut/model"
)

// TestCommandToType gives the command that goes on so that a shell takes it.
func TestCommandToType(t *testing.T) {
	p := command()
	var out bytes.Buffer
	p.Stdout = &out
	p.options = convert.Options{Out: "my runs/it's", ConfigFile: "a.yaml", Sets: []string{"scales=[1,0.5]", "use_kp=true"}}
	p.next(convert.Made{Variant: model.X2Face})
	want := ` -- '--init_from=my runs/it'\''s' --config=a.yaml '--set=scales=[1,0.5]' --set=use_kp=true --variant=x2face --data=FOLDER `
	if !strings.Contains(out.String(), want) {
		t.Errorf("%s lacks %s", &out, want)
	}
	out.Reset()
	p.next(convert.Made{VGG19: true})
	if !strings.Contains(out.String(), "train --vgg19='my runs/it") {
		t.Error(out.String())
	}
}
