// Package compare puts evaluations beside one another in the layout of the
// paper's Tables 1 to 4: models by metrics, arrows for the better direction,
// the best value bold, the second underlined, variants of the baseline that are
// neither green where they are better than it and red where they are worse. It
// knows the paper's printed numbers, takes paired differences with intervals,
// and writes Markdown, CSV and one self-contained HTML page.
//
// # Hostile input
//
// Names come from files of others: all of them are escaped. Sizes are bounded by
// package result, which reads the files.
package compare
