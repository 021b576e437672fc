package cli

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestMarkdown(t *testing.T) {
	c, _, stdout, _ := trainer()
	c.Examples = []string{"bazel run //cmd:train  # minutes on two cores", "bazel run //cmd:train -- --steps=1"}
	c.Group("Of its own", func(flags *pflag.FlagSet) {
		flags.Int("rows", 4, "`number` of rows, a|b")
		flags.String("own", "", "CSV `file`")
		flags.Lookup("own").NoOptDefVal = "x"
	})
	if code := c.Run([]string{"--" + DocFlag}, nil); code != ExitOK {
		t.Fatalf("exit code %d", code)
	}
	text := stdout.String()
	at := 0
	for _, want := range []string{
		"## train\n\nTrains.\n\n```sh\n# minutes on two cores\nbazel run //cmd:train\n\nbazel run //cmd:train -- --steps=1\n```\n",
		"\n| What to train | |\n| --- | --- |\n| `--preset name` | name of the sizes",
		"\n| Of its own | |\n| --- | --- |\n| `--rows number` | number of rows, a\\|b (default 4) |\n| `--own file[=\"x\"]` | CSV file |\n",
	} {
		i := strings.Index(text[at:], want)
		if i < 0 {
			t.Fatalf("after position %d there is no %q:\n%s", at, want, text)
		}
		at += i
	}
	for _, other := range []string{"--help", "--version", "--vmodule", DocFlag} {
		if strings.Contains(text, other) {
			t.Errorf("%s is of every program, or hidden:\n%s", other, text)
		}
	}
	var common strings.Builder
	if err := WriteCommonMarkdown(&common); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| `-h, --help` | print this help |", "`--version`", "`--log_dir folder`", "`-v, --v Level`"} {
		if !strings.Contains(common.String(), want) {
			t.Errorf("the flags of every program lack %s:\n%s", want, &common)
		}
	}
}
