package compare

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/prioritycut/prioritycut/evaluate/result"
)

// Columns are those of the paper's table for a kind of data (result.Faces, ...):
// faces have no MKR, other data neither parts nor keypoints.
func Columns(kind string) []result.Measure {
	var columns []result.Measure
	for _, m := range result.Measures() {
		switch {
		case m.Metric == result.AEDEuclidean: // not the paper's
		case kind == result.Faces && m.Metric == result.MKR:
		case kind != result.Faces && kind != result.Bodies && !pixel(m):
		default:
			columns = append(columns, m)
		}
	}
	return columns
}

// pixel reports whether a column is in every table of the paper.
func pixel(m result.Measure) bool {
	return m.Region == result.All && (m.Metric == result.L1 || m.Metric == result.PSNR || m.Metric == result.SSIM)
}

// titles of metrics as the paper writes them.
var titles = map[string]string{
	result.L1: "L1", result.PSNR: "PSNR", result.SSIM: "SSIM", result.AKD: "AKD", result.MKR: "MKR", result.AED: "AED",
	result.AEDEuclidean: "AED (Euclidean)",
}

// regions as the paper's headers write them.
var regions = map[string]string{result.All: "All", result.Salient: "Salient", result.NonSalient: "¬ Salient"}

func metricTitle(m result.Measure) string {
	arrow := "↓"
	if m.Higher() {
		arrow = "↑"
	}
	return titles[m.Metric] + " " + arrow
}

func hasParts(m result.Measure) bool { return m.Metric == result.PSNR || m.Metric == result.SSIM }

// Title is a column's header on one line: "L1 ↓", "PSNR ↑ Salient".
func Title(m result.Measure) string {
	if !hasParts(m) {
		return metricTitle(m)
	}
	return metricTitle(m) + " " + regions[m.Region]
}

// decimals of the paper's means.
var decimals = map[string]int{
	result.L1: 4, result.PSNR: 2, result.SSIM: 3, result.AKD: 3, result.MKR: 3, result.AED: 4, result.AEDEuclidean: 4,
}

// FormatMean writes a mean with the paper's digits, more where it is too small
// for them, "–" where there is none.
func FormatMean(m result.Measure, v result.Value) string {
	switch {
	case !v.Known():
		return "–"
	case !v.Finite():
		return "∞"
	}
	return v.Fixed(decimals[m.Metric])
}

// FormatCI writes half a width as the paper does, with one digit: 9e-5, 0.02.
func FormatCI(v result.Value) string {
	f := float64(v)
	switch {
	case !v.Finite():
		return ""
	case f == 0:
		return "0"
	}
	text := strconv.FormatFloat(f, 'e', 0, 64)
	digit, exponent, _ := strings.Cut(text, "e")
	n, _ := strconv.Atoi(exponent)
	switch {
	case n < -2:
		return fmt.Sprintf("%se%d", digit, n)
	case n < 0:
		return strconv.FormatFloat(f, 'f', -n, 64)
	}
	return strconv.FormatFloat(f, 'f', 1, 64)
}

// FormatDifference writes a signed number with one digit more than the means
// have.
func FormatDifference(m result.Measure, v result.Value) string {
	if !v.Finite() {
		return "–"
	}
	text := strconv.FormatFloat(float64(v), 'f', decimals[m.Metric]+1, 64)
	if float64(v) > 0 {
		text = "+" + text
	}
	if f, _ := strconv.ParseFloat(text, 64); f == 0 && v != 0 {
		return fmt.Sprintf("%+.1e", float64(v)) // a sign where all digits are 0
	}
	return text
}

// FormatInterval writes bounds: "[-0.00120, +0.00030]".
func FormatInterval(m result.Measure, low, high result.Value) string {
	if !low.Finite() || !high.Finite() {
		return "–"
	}
	return "[" + FormatDifference(m, low) + ", " + FormatDifference(m, high) + "]"
}

// printed is the value that a reader of the table sees, for ranks: numbers
// that look equal are equal.
func printed(m result.Measure, v result.Value) float64 {
	if !v.Finite() {
		return math.NaN()
	}
	f, _ := strconv.ParseFloat(FormatMean(m, v), 64)
	return f
}
