package cli

import (
	"errors"
	"fmt"
	"testing"

	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/internal/usage"
)

// What a library says of options reaches the user as flags, where the program
// has them: in errors, in what is printed, and in lines of the log.
func TestTyped(t *testing.T) {
	c, _, stdout, stderr := trainer()
	c.Group("Of its own", func(flags *pflag.FlagSet) { flags.Int("rows", 4, "") })
	said := "choose another `out`, `rows`=3 or `columns`=2; `Out` and `out=x` are no names"
	want := "choose another --out, --rows=3 or `columns`=2; `Out` and `out=x` are no names"
	code := c.Run(nil, func([]string) error {
		fmt.Fprintf(c.Out(), "%s\n", said)
		fmt.Fprintf(c.Err(), "%s\n", said)
		fmt.Fprint(c.Out(), usage.Call("convert", "checkpoint=a b", "out=x", "dry_run"))
		return errors.New(said)
	})
	if code != ExitFailed || stderr.String() != want+"\ntrain: "+want+"\n" {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	if got := stdout.String(); got != want+"\nbazel run //cmd:convert -- '--checkpoint=a b' --out=x --dry_run" {
		t.Error(got)
	}
}
