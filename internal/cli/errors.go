package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/prioritycut/prioritycut/internal/nearest"
	"github.com/spf13/pflag"
)

// explain turns pflag's errors into sentences that say what to type.
func (c *Command) explain(err error) error {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		return c.unknown(unknown)
	case errors.As(err, &missing):
		return fmt.Errorf("--%s needs a value: --%s=%s; see %s --help",
			missing.GetFlag().Name, missing.GetFlag().Name, valueName(missing.GetFlag()), c.Name)
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		return fmt.Errorf("--%s=%s: %s; see %s --helpfull", f.Name, clip(invalid.GetValue()), legal(f), c.Name)
	}
	return fmt.Errorf("%w; see %s --help", err, c.Name)
}

// unknown suggests the flag, or the setting, that was meant.
func (c *Command) unknown(err *pflag.NotExistError) error {
	name := err.GetSpecifiedName()
	if group := err.GetSpecifiedShortnames(); group != "" { // -data=x
		word, _, _ := strings.Cut(group, "=")
		if len(word) > 1 {
			return fmt.Errorf("unknown flag -%s: flags have two dashes%s", clip(word), c.suggestion(word))
		}
		return fmt.Errorf("unknown flag -%s; see %s --help", clip(word), c.Name)
	}
	return fmt.Errorf("unknown flag --%s%s", clip(name), c.suggestion(name))
}

func (c *Command) suggestion(name string) string {
	folded := strings.ReplaceAll(name, "-", "_")
	for _, key := range c.Keys {
		if key == folded || strings.HasSuffix(key, "."+folded) {
			return fmt.Sprintf("; it is a setting: --set %s=VALUE", folded)
		}
	}
	var known []string
	c.flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	if near := nearest.Word(folded, known); near != "" {
		return fmt.Sprintf("; did you mean --%s?", near)
	}
	return fmt.Sprintf("; see %s --help", c.Name)
}

// unexpected explains an argument that is no flag.
func (c *Command) unexpected(arg string) error {
	switch {
	case arg == "true" || arg == "false":
		return fmt.Errorf("unexpected argument %q: switches are given as --NAME or --NAME=false, without a blank", arg)
	case strings.Contains(arg, "=") && c.flags.Lookup("set") != nil:
		return fmt.Errorf("unexpected argument %q: settings are given as --set %s", clip(arg), clip(arg))
	}
	return fmt.Errorf("unexpected argument %q; see %s --help", clip(arg), c.Name)
}

// legal says what values a flag takes.
func legal(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "bool":
		return "must be true or false"
	case "int", "int64", "int32":
		return "must be a whole number"
	case "uint", "uint64", "uint32":
		return "must be a whole number of at least 0"
	case "float64", "float32":
		return "must be a number"
	case "duration":
		return "must be a duration such as 90s or 1h30m"
	}
	return "cannot be read"
}

// valueName is the name of a flag's value as its help shows it.
func valueName(f *pflag.Flag) string {
	if name, _ := pflag.UnquoteUsage(f); name != "" {
		return name
	}
	return "VALUE"
}

// clip shortens what is shown of the user's input.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
