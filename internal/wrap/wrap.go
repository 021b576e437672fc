// Package wrap breaks paragraphs into lines.
package wrap

import "strings"

// Lines breaks a paragraph into lines of at most width bytes, at blanks; a
// longer word gets a line of its own. White space counts as one blank. There is
// always one line at least.
func Lines(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
