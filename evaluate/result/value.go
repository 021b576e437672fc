package result

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Value is a number that may be absent: NaN in memory, an empty field in a
// file. It may be infinite (inf): the PSNR of identical pictures is.
type Value float64

// Absent is a value that was not measured.
func Absent() Value { return Value(math.NaN()) }

// Known reports whether the value was measured.
func (v Value) Known() bool { return !math.IsNaN(float64(v)) }

// Finite reports whether the value was measured and is not infinite.
func (v Value) Finite() bool { return v.Known() && !math.IsInf(float64(v), 0) }

// Fixed writes a finite value with so many decimals, and with more where those
// would lose a twentieth of it: 0.0427, but 0.00043. Two digits that count are
// left of a small number, and none is added to one that has fewer.
func (v Value) Fixed(decimals int) string {
	f := float64(v)
	text := strconv.FormatFloat(f, 'f', decimals, 64)
	if read, err := strconv.ParseFloat(text, 64); err != nil || math.Abs(read-f) <= math.Abs(f)/20 {
		return text
	}
	const most = 9 // decimals that a reader counts
	if need := 1 - int(math.Floor(math.Log10(math.Abs(f)))); need <= most {
		return strconv.FormatFloat(f, 'f', need, 64)
	}
	return strconv.FormatFloat(f, 'e', 1, 64)
}

// MarshalCSV implements gocsv.TypeMarshaller: all digits that are needed to
// read the same number back.
func (v Value) MarshalCSV() (string, error) {
	switch f := float64(v); {
	case math.IsNaN(f):
		return "", nil
	case math.IsInf(f, 1):
		return "inf", nil
	case math.IsInf(f, -1):
		return "-inf", nil
	default:
		return strconv.FormatFloat(f, 'g', -1, 64), nil
	}
}

// UnmarshalCSV implements gocsv.TypeUnmarshaller.
func (v *Value) UnmarshalCSV(text string) error {
	switch text {
	case "":
		*v = Absent()
		return nil
	case "inf", "-inf":
	default:
		// Go reads more spellings than are written.
		if text[0] != '-' && (text[0] < '0' || text[0] > '9') {
			return fmt.Errorf("%q is no number", clip(text))
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if errors.Is(err, strconv.ErrRange) || err != nil || math.IsNaN(f) {
		return fmt.Errorf("%q is no number", clip(text))
	}
	*v = Value(f)
	return nil
}

// clip shortens what is shown of a file.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
